// lode-worker models: what a folder of weights holds, whether it is whole, what memory it needs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/interrupt.h"
#include "flux/folder.h"
#include "lode_worker/commands.h"
#include "lode_worker/progress_line.h"
#include "nn/memory_plan.h"
#include "weights/check.h"
#include "weights/checkpoint.h"

namespace lode::commands {
namespace {

struct ModelsCommand {
  std::string folder;
  std::uint64_t memory_bytes = 0;
  bool values = false;
  bool hashes = false;
  bool json = false;
};

/// What a file's digest ought to be: Hugging Face's cache names the file that a link in a snapshot
/// leads to by its SHA-256.
std::string expected_digest(const std::filesystem::path& file) {
  std::error_code failed;
  const std::filesystem::path target = std::filesystem::read_symlink(file, failed);
  const std::string name = target.filename().string();
  const bool is_digest = name.size() == 64 && std::ranges::all_of(name, [](char c) {
                           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                         });
  return is_digest && target.parent_path().filename() == "blobs" ? name : "";
}

/// Findings of one part's weight files, added to the report and its problems.
class Inspection {
 public:
  Inspection(const ModelsCommand& command, std::stop_token stop)
      : command_(command), stop_(std::move(stop)) {}

  Result<void> inspect_part(const std::string& part, nlohmann::ordered_json& report) {
    const auto checkpoint =
        weights::Checkpoint::open(std::filesystem::path(command_.folder) / part);
    if (!checkpoint) {
      return {};  // among the folder's problems already
    }
    if (command_.values) {
      LODE_CHECK(check_all_values(part, *checkpoint));
    }
    if (command_.hashes) {
      for (const std::filesystem::path& file : checkpoint->files()) {
        LODE_TRY(report["files"][file.filename().string()]["sha256"], hash(part, file));
      }
    }
    return {};
  }

  const std::vector<std::string>& problems() const { return problems_; }
  double seconds() const { return line_.seconds(); }

 private:
  Result<void> check_all_values(const std::string& part, const weights::Checkpoint& checkpoint) {
    std::size_t done = 0;
    for (const weights::StoredTensor& tensor : checkpoint.tensors()) {
      if (stop_.stop_requested()) {
        return fail(Errc::cancelled, "the check was interrupted");
      }
      const weights::TensorHealth health = weights::check_values(tensor);
      checkpoint.release_pages(tensor.bytes);
      if (health.non_finite > 0) {
        problems_.push_back(fmt::format("{}: {}: {} of {} values are NaN or infinite", part,
                                        tensor.name, health.non_finite, health.elements));
      }
      line_.show_running(
          fmt::format("{}: values of tensor {}/{}", part, ++done, checkpoint.tensors().size()));
    }
    return {};
  }

  Result<std::string> hash(const std::string& part, const std::filesystem::path& file) {
    const auto progress = [&](std::uint64_t done, std::uint64_t total) {
      line_.show_running(fmt::format("{}/{}: hashed {} of {}", part, file.filename().string(),
                                     nn::format_bytes(done), nn::format_bytes(total)));
    };
    LODE_TRY(std::string digest, weights::sha256_of_file(file, progress, stop_));
    const std::string expected = expected_digest(file);
    if (!expected.empty() && digest != expected) {
      problems_.push_back(fmt::format("{}/{}: its SHA-256 is {}, the cache names it {}", part,
                                      file.filename().string(), digest, expected));
    }
    return digest;
  }

  const ModelsCommand& command_;
  std::stop_token stop_;
  worker::ProgressLine line_;
  std::vector<std::string> problems_;
};

nlohmann::ordered_json json_of(const flux::FluxPartReport& part) {
  return {{"name", part.name},
          {"network", part.network},
          {"parameters", part.parameters},
          {"tensors", part.tensors},
          {"stored_types", part.stored_types},
          {"stored_bytes", part.stored_bytes},
          {"float32_bytes", part.float32_bytes},
          {"bfloat16_bytes", part.bfloat16_bytes},
          {"int8_bytes", part.int8_bytes},
          {"largest_block", part.largest_block},
          {"largest_block_bytes", part.largest_block_bytes}};
}

nlohmann::ordered_json json_of(const ModelsCommand& command, const flux::FluxFolder& folder) {
  nlohmann::ordered_json json = {{"folder", command.folder},
                                 {"parts", nlohmann::ordered_json::array()},
                                 {"activation_bytes", folder.activation_bytes},
                                 {"least_bfloat16_bytes", folder.least_bfloat16_bytes},
                                 {"least_int8_bytes", folder.least_int8_bytes}};
  for (const flux::FluxPartReport& part : folder.parts) {
    json["parts"].push_back(json_of(part));
  }
  if (command.memory_bytes > 0) {
    json["memory_bytes"] = command.memory_bytes;
    json["fits_bfloat16"] = command.memory_bytes >= folder.least_bfloat16_bytes;
    json["fits_int8"] = command.memory_bytes >= folder.least_int8_bytes;
  }
  return json;
}

void print_table(const ModelsCommand& command, const flux::FluxFolder& folder) {
  fmt::print("{:16} {:24} {:>15} {:>8} {:6} {:>9} {:>9} {:>9} {:>9}\n", "part", "network",
             "parameters", "tensors", "stored", "on disk", "f32", "bf16", "int8");
  for (const flux::FluxPartReport& part : folder.parts) {
    fmt::print("{:16} {:24} {:>15} {:>8} {:6} {:>9} {:>9} {:>9} {:>9}\n", part.name, part.network,
               part.parameters, part.tensors, part.stored_types,
               nn::format_bytes(part.stored_bytes), nn::format_bytes(part.float32_bytes),
               nn::format_bytes(part.bfloat16_bytes), nn::format_bytes(part.int8_bytes));
  }
  if (folder.parts.empty()) {
    return;
  }
  fmt::print(
      "a picture of 1024x1024: about {} of activations in bf16; least --memory {} in bf16, {} "
      "with --weights int8\n",
      nn::format_bytes(folder.activation_bytes), nn::format_bytes(folder.least_bfloat16_bytes),
      nn::format_bytes(folder.least_int8_bytes));
  if (command.memory_bytes > 0) {
    const auto verdict = [&](std::uint64_t least) {
      return command.memory_bytes >= least ? "fits" : "does not fit";
    };
    fmt::print("--memory {}: bf16 {}, int8 {}\n", nn::format_bytes(command.memory_bytes),
               verdict(folder.least_bfloat16_bytes), verdict(folder.least_int8_bytes));
  }
}

int run_models(const ModelsCommand& command) {
  const cli::InterruptStop interrupt;
  Inspection inspection(command, interrupt.token());
  Result<flux::FluxFolder> folder = flux::inspect(command.folder);
  if (!folder) {
    return cli::report(folder.error());
  }
  nlohmann::ordered_json json = json_of(command, *folder);
  for (std::size_t i = 0; i < folder->parts.size(); ++i) {
    const Result<void> done = inspection.inspect_part(folder->parts[i].name, json["parts"][i]);
    if (!done) {
      return cli::report(done.error());
    }
  }
  std::ranges::copy(inspection.problems(), std::back_inserter(folder->problems));
  json["problems"] = folder->problems;
  json["seconds"] = inspection.seconds();
  if (command.json) {
    cli::print_json(json);
  } else {
    print_table(command, *folder);
  }
  for (const std::string& problem : folder->problems) {
    fmt::print(stderr, "lode: {}\n", problem);
  }
  return folder->problems.empty() ? cli::kDone : cli::kInvalidInput;
}

}  // namespace

void add_models(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<ModelsCommand>();
  CLI::App* command =
      app.add_subcommand("models", "List a folder's networks, check them, and tell their memory");
  command->add_option("folder", options->folder, "A folder as Hugging Face lays it out")
      ->required();
  command
      ->add_option("--memory", options->memory_bytes, "Tell whether this budget fits, such as 10G")
      ->transform(CLI::AsSizeValue(true).description(""))
      ->option_text("BYTES");
  command->add_flag("--values", options->values, "Read every value: none may be NaN or infinite");
  command->add_flag(
      "--hashes", options->hashes,
      "SHA-256 of every weight file, compared with the names in Hugging Face's cache");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return run_models(*options); }; });
}

}  // namespace lode::commands
