// The tasks a sandbox validator hands out, and the objects it holds the answers against.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"
#include "sketch/sketch.h"
#include "splat/cloud.h"
#include "subnet/synapse.h"

namespace lode::sandbox {

struct TaskShares {
  double image = 0.2;     ///< of all tasks, as validators' text_tasks_ratio of 0.8
  double unknown = 0.06;  ///< of text tasks: an object that the sketch cannot draw
};

/// The scene as a picture prompt shows it: one object, or one on top of another. Real picture
/// prompts are of single things, and a lift needs one connected subject.
sketch::SceneSpec picture_scene(sketch::SceneSpec scene);

/// What a task will be, before the work of drawing it is done.
struct TaskPlan {
  subnet::Task::Type type = subnet::Task::Type::text;
  std::string id;
  std::string text;  ///< of a text task: the prompt
  sketch::SceneSpec scene;
  std::uint64_t reference_seed = 0;
  bool is_known = true;  ///< false: no drawing of the sketch's will do; skipping is right
  int picture_side = 0;  ///< of an image task, pixels
};

/// A task and the object that answers to it are held against.
struct SandboxTask {
  subnet::Task task;
  splat::Scene reference;  ///< activated and framed as validators frame
};

/// Draws what the plan says: the scene as the validator's own seed builds it or, for an object that
/// the sketch does not know, something else entirely; and the picture of an image task. Takes some
/// tenths of a second.
SandboxTask prepare(const TaskPlan& plan);

/// The task of a text plan without its reference object, which costs nothing to make: for scorers
/// that look at none.
SandboxTask prepare_without_reference(const TaskPlan& plan);

/// A picture prompt: the reference cut out (RGBA, straight alpha) as seen from the front, a little
/// from above; `side` pixels square.
image::Image reference_picture(const splat::Scene& reference, int side);

/// An endless list of tasks that depends on the seed and the shares alone. The first task is
/// always a known one.
class TaskMaker {
 public:
  TaskMaker(std::uint64_t seed, TaskShares shares);
  TaskPlan next();

 private:
  TaskPlan known_task();

  Rng rng_;
  TaskShares shares_;
  std::vector<std::string> unknown_nouns_;  // those of the list that the sketch does not know
  bool is_first_ = true;
};

/// A version-4 UUID from the stream.
std::string make_uuid(Rng& rng);

}  // namespace lode::sandbox
