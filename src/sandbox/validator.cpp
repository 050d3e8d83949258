#include "sandbox/validator.h"

#include <algorithm>

#include "base/assert.h"

namespace lode::sandbox {

Validator::Validator(Rules rules, std::map<std::string, int> miners, TaskSource next_task,
                     SignatureCheck check_signature)
    : rules_(rules),
      next_task_(std::move(next_task)),
      check_signature_(std::move(check_signature)) {
  set_miners(std::move(miners));
}

void Validator::set_miners(std::map<std::string, int> miners) {
  uids_ = std::move(miners);
  for (const auto& [hotkey, uid] : uids_) {
    Miner& miner = miners_[uid];
    if (miner.hotkey == hotkey)
      continue;
    miner.uid = uid;
    miner.hotkey = hotkey;
    miner.observations.clear();
    miner.fidelity = 1.0;
    miner.cooldown_until = 0;
    miner.cooldown_violations = 0;
    miner.rating = {};
  }
}

Validator::Miner* Validator::find(const std::string& hotkey) {
  const auto found = uids_.find(hotkey);
  return found == uids_.end() ? nullptr : &miners_.at(found->second);
}

double Validator::rating_of(const std::string& hotkey) const {
  const auto found = uids_.find(hotkey);
  return found == uids_.end() ? subnet::Rating{}.rating : miners_.at(found->second).rating.rating;
}

bool Validator::is_on_cooldown(const Miner& miner, Time now) {
  return miner.cooldown_until != 0 && now < from_unix_seconds(miner.cooldown_until);
}

bool Validator::would_assign(const std::string& hotkey, Time now) const {
  const auto found = uids_.find(hotkey);
  if (found == uids_.end())
    return false;
  const Miner& miner = miners_.at(found->second);
  return !is_on_cooldown(miner, now) && !miner.assigned_task;
}

subnet::PullReply Validator::pull(const std::string& hotkey, Time now) {
  subnet::PullReply reply;
  Miner* miner = find(hotkey);
  if (miner == nullptr) {
    ++counters_.unregistered;
    reply.cooldown_until = unix_seconds(now) + rules_.unregistered_cooldown.count();
    return reply;
  }
  ++counters_.pulls;
  if (is_on_cooldown(*miner, now)) {
    ++counters_.violations;
    ++miner->cooldown_violations;
    if (miner->cooldown_violations > rules_.violation_threshold) {
      miner->cooldown_until += rules_.violation_penalty.count();
    }
    reply.cooldown_until = miner->cooldown_until;
    reply.cooldown_violations = miner->cooldown_violations;
    return reply;
  }
  if (miner->assigned_task) {
    ++counters_.reissued;
  } else {
    ++counters_.pulled;
    Assignment next = next_task_();
    if (next.duel)
      miner->duels.emplace(next.task.id, *next.duel);
    miner->assigned_task = std::move(next.task);
    miner->assignment_time = now;
  }
  reply.task = miner->assigned_task;
  reply.validation_threshold = rules_.quality_threshold;
  reply.throttle_period = rules_.throttle_period.count();
  return reply;
}

std::optional<std::string> Validator::refuse_submission(const std::string& hotkey,
                                                        std::string_view peer_ip) {
  const Miner* miner = find(hotkey);
  if (miner == nullptr) {
    ++counters_.unregistered;
    return "Unrecognized hotkey " + hotkey + " (" + std::string(peer_ip) + ")";
  }
  if (!miner->assigned_task) {
    ++counters_.forbidden;
    return "[" + std::to_string(miner->uid) +
           "] submitted results while having no task assigned. It could happen if validator "
           "restarts or miner faults";
  }
  return std::nullopt;
}

bool Validator::matches(const Miner& miner, const subnet::Submission& submission) const {
  if (!miner.assigned_task || miner.assigned_task->id != submission.task.id)
    return false;
  return rules_.version > kLastVersionWithoutTypes ||
         miner.assigned_task->prompt == submission.task.prompt;
}

Result<std::variant<subnet::SubmitReply, ScoringJob>> Validator::begin_submit(
    const subnet::RequestBody& request, Time now) {
  using Step = std::variant<subnet::SubmitReply, ScoringJob>;
  Miner* miner = find(request.dendrite_hotkey);
  if (miner == nullptr) {
    ++counters_.unregistered;
    subnet::SubmitReply unknown;
    unknown.cooldown_until = unix_seconds(now) + rules_.unregistered_cooldown.count();
    return Step(unknown);
  }
  const subnet::Submission& submission = request.submission;
  // Until v44 the task comes back in the request and is not nullable; the signature is checked
  // against its prompt, before the task is. From v45 on the stored task counts and comes first.
  const bool signature_first = rules_.version <= kLastVersionWithoutTypes;
  if (signature_first && submission.task.prompt.empty()) {
    return fail(Errc::invalid_input, "SubmitResults.task: a task is required");
  }
  if (!signature_first && !matches(*miner, submission)) {
    ++counters_.wrong_task;
    return Step(reply(*miner, now));
  }
  const std::string& prompt =
      signature_first ? submission.task.prompt : miner->assigned_task->prompt;
  LODE_TRY(const bool genuine,
           check_signature_(submission, prompt, request.axon_hotkey, request.dendrite_hotkey));
  if (!genuine) {
    ++counters_.rejected;
    ++counters_.wrong_signatures;
    return Step(fail_task(*miner, submission.task.id, rules_.cooldown_penalty, now, false));
  }
  miner->cooldown_violations = std::max<std::int64_t>(0, miner->cooldown_violations - 1);
  if (signature_first && !matches(*miner, submission)) {
    ++counters_.wrong_task;
    return Step(reply(*miner, now));
  }
  if (submission.results.empty()) {
    ++counters_.empty;
    return Step(fail_task(*miner, submission.task.id, std::chrono::seconds(0), now, false));
  }
  if (from_unix_seconds(miner->validation_locked_until) > now) {
    ++counters_.locked;
    return Step(reply(*miner, now));
  }
  miner->validation_locked_until = unix_seconds(now) + rules_.validation_lock.count();
  const std::uint64_t token = next_token_++;
  scoring_.emplace(token, Scoring{miner->uid, submission.task.id});
  return Step(ScoringJob{token, submission.task.id, submission.results});
}

subnet::SubmitReply Validator::finish_submit(std::uint64_t token, std::optional<double> score,
                                             Time now) {
  const auto node = scoring_.extract(token);
  LODE_ASSERT(!node.empty(), "a scoring is finished once");
  Miner& miner = miners_.at(node.mapped().uid);  // whoever owns it by now
  const std::string& task_id = node.mapped().task_id;
  if (!score) {
    ++counters_.scorer_failures;
    return fail_task(miner, task_id, std::chrono::seconds(0), now, true);
  }
  const auto earliest =
      from_unix_seconds(miner.last_submit_time) + rules_.task_cooldown - rules_.throttle_period;
  if (earliest > now) {
    ++counters_.duplicates;
    return reply(miner, now);
  }
  if (*score < rules_.quality_threshold) {
    ++counters_.rejected;
    return fail_task(miner, task_id, rules_.cooldown_penalty, now, false);
  }
  return accept(miner, task_id, *score, now);
}

void Validator::reset_task(Miner& miner, std::chrono::seconds cooldown, Time now) const {
  if (miner.assignment_time) {
    miner.cooldown_until = unix_seconds(
        std::max(now + cooldown - rules_.throttle_period, *miner.assignment_time + cooldown));
  } else {
    miner.cooldown_until = unix_seconds(now) + cooldown.count();
  }
  miner.assigned_task.reset();
  miner.assignment_time.reset();
}

void Validator::settle_duel(Miner& miner, const std::string& task_id, std::optional<double> score) {
  const auto node = miner.duels.extract(task_id);
  if (node.empty())
    return;
  const Opponent& opponent = node.mapped();
  subnet::DuelOutcome outcome = subnet::DuelOutcome::loss;
  if (score && *score == opponent.score) {
    ++counters_.duels_drawn;
    outcome = subnet::DuelOutcome::draw;
  } else if (score && *score > opponent.score) {
    ++counters_.duels_won;
    outcome = subnet::DuelOutcome::win;
  } else {
    ++counters_.duels_lost;
  }
  miner.rating = subnet::after_duel(miner.rating, opponent.rating, outcome);
}

subnet::SubmitReply Validator::fail_task(Miner& miner, const std::string& task_id,
                                         std::chrono::seconds penalty, Time now,
                                         bool validation_failed) {
  reset_task(miner, rules_.task_cooldown + penalty, now);
  settle_duel(miner, task_id, std::nullopt);
  return reply(miner, now, 0, validation_failed);
}

subnet::SubmitReply Validator::accept(Miner& miner, const std::string& task_id, double score,
                                      Time now) {
  const double fidelity = std::min(1.0, score);
  ++counters_.accepted;
  counters_.score_sum += fidelity;
  reset_task(miner, rules_.task_cooldown, now);
  miner.observations.push_back(unix_seconds(now));
  miner.fidelity = (1 - rules_.fidelity_alpha) * miner.fidelity + rules_.fidelity_alpha * fidelity;
  miner.last_submit_time = unix_seconds(now);
  settle_duel(miner, task_id, fidelity);
  return reply(miner, now, fidelity);
}

subnet::SubmitReply Validator::reply(Miner& miner, Time now, double score,
                                     bool validation_failed) const {
  const std::int64_t expired = unix_seconds(now) - rules_.observation_window.count();
  while (!miner.observations.empty() && miner.observations.front() <= expired) {
    miner.observations.pop_front();
  }
  subnet::Feedback feedback;
  feedback.validation_failed = validation_failed;
  feedback.task_fidelity_score = score;
  feedback.average_fidelity_score = miner.fidelity;
  feedback.generations_within_the_window = static_cast<std::int64_t>(miner.observations.size());
  feedback.current_duel_rating = miner.rating.rating;
  feedback.current_miner_reward =
      static_cast<double>(miner.observations.size()) * miner.rating.rating;
  return {feedback, miner.cooldown_until};
}

}  // namespace lode::sandbox
