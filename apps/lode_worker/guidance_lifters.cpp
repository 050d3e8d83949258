#include "lode_worker/guidance_lifters.h"

namespace lode::commands {

void add_guidance_lifters(pipeline::StageRegistry&, const WorkerSettings&) {}

}  // namespace lode::commands
