#include "cli/cli.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>

#include "base/heap.h"

namespace lode::cli {
namespace {

/// A line of text as the inside of a JSON string.
class JsonEscaped final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text =
        nlohmann::json(std::string(message.payload.data(), message.payload.size()))
            .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonEscaped>();
  }
};

void set_up_logging(const GlobalFlags& flags) {
  auto logger = spdlog::stderr_color_mt("lode");
  spdlog::set_default_logger(logger);
  set_log_level(flags);
  if (flags.log_json) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<JsonEscaped>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})");
    spdlog::set_formatter(std::move(formatter));
  } else {
    spdlog::set_pattern("%H:%M:%S.%e %^%-7l%$ %v");
  }
}

/// Lets the program's own flags stand after a subcommand, as people write them.
void let_global_flags_follow(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    command->fallthrough();
    let_global_flags_follow(*command);
  }
}

}  // namespace

int exit_code(Errc code) {
  switch (code) {
    case Errc::invalid_input:
    case Errc::limit_exceeded:
    case Errc::not_found:
    case Errc::unsupported:
      return kInvalidInput;
    case Errc::peer_failure:
    case Errc::timed_out:
      return kPeerFailed;
    case Errc::io_failure:
    case Errc::out_of_resource:
      return kOutOfResource;
    case Errc::cancelled:
    case Errc::internal:
      return kInternalError;
  }
  return kInternalError;
}

int report(const Error& error) {
  std::fprintf(stderr, "lode: %s\n", error.message().c_str());
  return exit_code(error.code);
}

void print_json(const nlohmann::json& object) {
  std::cout << object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
}

void set_log_level(const GlobalFlags& flags) {
  spdlog::set_level(flags.debug ? spdlog::level::debug : spdlog::level::from_str(flags.log_level));
}

void add_global_flags(CLI::App& app, GlobalFlags& flags) {
  app.add_option("--config", flags.config, "Configuration file instead of ./lode.toml, or none");
  app.add_option("--log.level", flags.log_level, "trace, debug, info, warning, error or off")
      ->capture_default_str()
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "off"}));
  app.add_flag("--log.json", flags.log_json, "One JSON object a log line");
  app.add_flag("--logging.debug", flags.debug, "Same as --log.level debug");
  app.require_subcommand(1);
  let_global_flags_follow(app);
}

int run(CLI::App& app, Action& chosen, Settings& settings, int argc, char** argv) {
  keep_freed_memory();
  GlobalFlags flags;
  add_global_flags(app, flags);
  settings.arguments.assign(argv, argv + argc);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  try {
    const auto applied =
        settings.apply(app, flags.config, [](const char* name) { return std::getenv(name); });
    if (!applied) {
      return report(applied.error());
    }
    set_up_logging(flags);
    return chosen();
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "lode: out of memory\n");
    return kOutOfResource;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lode: %s\n", error.what());
    return kInternalError;
  }
}

}  // namespace lode::cli
