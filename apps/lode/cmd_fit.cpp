// lode fit: a splat from posed pictures.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "fit/fit.h"
#include "image/codec.h"
#include "lode/commands.h"
#include "splat/splat_file.h"

namespace lode::commands {
namespace {

using SteadyClock = std::chrono::steady_clock;

enum class Preset { standard, dreamgaussian };

struct FitCommand {
  std::string folder;
  std::string out;
  int iterations = 2000;
  std::size_t gaussians = 10'000;
  std::size_t max_gaussians = 0;
  int sh_degree = 0;
  std::string init;
  int holdout = 0;
  int max_side = 0;
  Preset preset = Preset::standard;
  std::vector<float> background{1, 1, 1};
  std::uint64_t seed = 0;
  std::string preview;
  int preview_every = 100;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  bool json = false;
};

volatile std::sig_atomic_t g_interrupted = 0;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

/// One line on stderr: rewritten in place on a terminal, a new one each time in a file.
class Progress {
 public:
  explicit Progress(int iterations) : iterations_(iterations) {}

  void show(const fit::StepReport& report) {
    loss_ += (report.loss - loss_) * weight();
    psnr_db_ += (report.psnr_db - psnr_db_) * weight();
    ++shown_;
    const bool is_last = report.iteration == iterations_;
    const double since = seconds_since(last_);
    if (!is_last && since < (is_terminal_ ? 0.2 : 5.0)) {
      return;
    }
    const double rate = (report.iteration - last_iteration_) / since;
    fmt::print(stderr, "{}{}/{}  loss {:.4f}  psnr {:.2f} dB  {} gaussians  {:.1f} it/s{}",
               is_terminal_ ? "\r\x1b[K" : "", report.iteration, iterations_, loss_, psnr_db_,
               report.gaussians, rate, is_terminal_ && !is_last ? "" : "\n");
    std::fflush(stderr);
    last_ = SteadyClock::now();
    last_iteration_ = report.iteration;
  }

 private:
  /// Running means over some 50 steps: one view's loss says little.
  double weight() const { return 1.0 / std::min(50, shown_ + 1); }

  int iterations_;
  bool is_terminal_ = ::isatty(STDERR_FILENO) != 0;
  SteadyClock::time_point last_ = SteadyClock::now();
  int last_iteration_ = 0, shown_ = 0;
  double loss_ = 0, psnr_db_ = 0;
};

/// The cloud of `--init`, with the coefficients that the chosen degree has.
Result<splat::GaussianCloud> read_start(const FitCommand& options) {
  LODE_TRY(splat::SplatFile file, splat::read_splat(options.init));
  return fit::with_degree(file.cloud, options.sh_degree);
}

fit::FitOptions fit_options(const FitCommand& options, float extent) {
  fit::FitOptions how = options.preset == Preset::standard
                            ? fit::standard_options(options.iterations, extent)
                            : fit::dreamgaussian_options(options.iterations);
  if (options.max_gaussians > 0) {
    how.densify.max_gaussians = options.max_gaussians;
  }
  how.background = {options.background[0], options.background[1], options.background[2]};
  return how;
}

Result<void> write_preview(const FitCommand& options, const fit::FitOptions& how,
                           const splat::GaussianCloud& cloud, const fit::View& view,
                           ThreadPool& pool) {
  return image::write_png(options.preview, fit::preview(cloud, view, how.background, pool));
}

/// Steps until done or interrupted; the number of steps taken.
Result<int> run_steps(const FitCommand& options, const fit::FitOptions& how, fit::Fitter& fitter,
                      const fit::View& shown, ThreadPool& pool) {
  Progress progress(options.iterations);
  int steps = 0;
  while (!fitter.is_done() && g_interrupted == 0) {
    LODE_TRY(const fit::StepReport report, fitter.step());
    steps = report.iteration;
    progress.show(report);
    if (!options.preview.empty() && steps % options.preview_every == 0) {
      LODE_CHECK(write_preview(options, how, fitter.cloud(), shown, pool));
    }
  }
  return steps;
}

/// What would make the result impossible to write is found before minutes are spent on it.
Result<void> check_out(const std::filesystem::path& out) {
  const std::string extension = out.extension().string();
  if (extension != ".ply" && extension != ".spz" && extension != ".splat") {
    return fail(Errc::invalid_input,
                out.string() + ": a name ending in .ply, .spz or .splat was expected");
  }
  const std::filesystem::path folder = std::filesystem::absolute(out).parent_path();
  if (!std::filesystem::is_directory(folder)) {
    return fail(Errc::not_found, folder.string() + ": no such folder");
  }
  return {};
}

struct Fitted {
  splat::GaussianCloud cloud;
  fit::Quality trained;
  std::optional<fit::Quality> unseen;
  std::size_t views = 0, unseen_views = 0;
  int iterations = 0;
  double seconds = 0;
};

Result<Fitted> fit_folder(const FitCommand& options) {
  const auto start_time = SteadyClock::now();
  LODE_CHECK(check_out(options.out));
  LODE_TRY(const fit::Dataset dataset, fit::read_dataset(options.folder, options.max_side));
  const fit::Division views = fit::divide(dataset.views.size(), options.holdout);
  if (views.trained.empty()) {
    return fail(Errc::invalid_input, options.folder + ": no view is left to fit to");
  }
  const Rng rng(options.seed);
  ThreadPool pool(options.threads);
  splat::GaussianCloud start;
  if (options.init.empty()) {
    start = fit::start_cloud(dataset, views.trained, {options.gaussians, options.sh_degree},
                             rng.fork("start"));
  } else {
    LODE_TRY(start, read_start(options));
  }
  const fit::FitOptions how = fit_options(options, fit::find_place(dataset, views.trained).extent);
  fit::Fitter fitter({dataset, views.trained, std::move(start)}, how, rng, pool);
  // An unseen view shows best how good the cloud is.
  const fit::View& shown =
      dataset.views[views.unseen.empty() ? views.trained.front() : views.unseen.front()];
  Fitted fitted;
  LODE_TRY(fitted.iterations, run_steps(options, how, fitter, shown, pool));
  fitted.cloud = fit::finished(fitter.cloud());
  fitted.seconds = seconds_since(start_time);
  fitted.views = views.trained.size();
  fitted.unseen_views = views.unseen.size();
  fitted.trained = fit::measure(fitted.cloud, dataset, views.trained, how.background, pool);
  if (!views.unseen.empty()) {
    fitted.unseen = fit::measure(fitted.cloud, dataset, views.unseen, how.background, pool);
  }
  if (!options.preview.empty()) {
    LODE_CHECK(write_preview(options, how, fitted.cloud, shown, pool));
  }
  LODE_CHECK(splat::write_splat(options.out, fitted.cloud));
  return fitted;
}

void print(const FitCommand& options, const Fitted& fitted) {
  const fit::Quality& judged = fitted.unseen ? *fitted.unseen : fitted.trained;
  if (!options.json) {
    fmt::print("{}: {} gaussians after {} iterations, {:.1f} s\n", options.out, fitted.cloud.size(),
               fitted.iterations, fitted.seconds);
    fmt::print("  {} views fitted to: PSNR {:.2f} dB, SSIM {:.4f}\n", fitted.views,
               fitted.trained.psnr_db, fitted.trained.ssim);
    if (fitted.unseen) {
      fmt::print("  {} views never seen: PSNR {:.2f} dB, SSIM {:.4f}\n", fitted.unseen_views,
                 fitted.unseen->psnr_db, fitted.unseen->ssim);
    }
    return;
  }
  cli::print_json({{"psnr_db", judged.psnr_db},
                   {"ssim", judged.ssim},
                   {"trained_psnr_db", fitted.trained.psnr_db},
                   {"views", fitted.views},
                   {"unseen_views", fitted.unseen_views},
                   {"seconds", fitted.seconds},
                   {"iterations", fitted.iterations},
                   {"gaussians", fitted.cloud.size()},
                   {"seed", options.seed}});
}

int run(const FitCommand& options) {
  std::signal(SIGINT, [](int) { g_interrupted = 1; });
  std::signal(SIGTERM, [](int) { g_interrupted = 1; });
  const auto fitted = fit_folder(options);
  if (!fitted) {
    return cli::report(fitted.error());
  }
  print(options, *fitted);
  return cli::kDone;
}

}  // namespace

void add_fit(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<FitCommand>();
  CLI::App* command = app.add_subcommand("fit", "Fit a splat to posed pictures");
  command->add_option("folder", options->folder, "cameras.json and the pictures it names")
      ->required();
  command->add_option("-o,--out", options->out, "The file to write, .ply or .spz")->required();
  command->add_option("--iterations", options->iterations, "Steps, each on one view")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--gaussians", options->gaussians, "How many to begin with")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--max-gaussians", options->max_gaussians, "Most that densification makes")
      ->check(CLI::Range(1, 10'000'000));
  command
      ->add_option("--sh-degree", options->sh_degree, "0 to 3; the validators draw degree 0 alone")
      ->check(CLI::Range(0, 3))
      ->capture_default_str();
  command->add_option("--init", options->init, "Begin with this .ply or .spz");
  command->add_option("--holdout", options->holdout, "Keep every K-th view unseen, to measure with")
      ->check(CLI::Range(2, 10'000));
  command->add_option("--max-side", options->max_side, "Shrink larger pictures to this many pixels")
      ->check(CLI::Range(16, fit::kMaxSide));
  const std::map<std::string, Preset> presets{{"standard", Preset::standard},
                                              {"dreamgaussian", Preset::dreamgaussian}};
  command->add_option("--preset", options->preset, "Learning rates and schedule")
      ->transform(CLI::CheckedTransformer(presets));
  command
      ->add_option("--background", options->background,
                   "r,g,b from 0 to 1 behind pictures without alpha")
      ->delimiter(',')
      ->expected(3)
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--seed", options->seed, "Same seed, same bytes")->capture_default_str();
  command->add_option("--preview", options->preview,
                      "A PNG that is kept up to date: a view's picture, its drawing, difference");
  command->add_option("--preview-every", options->preview_every, "Steps between previews")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--threads", options->threads, "Threads to work with")
      ->check(CLI::Range(1, 256));
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace lode::commands
