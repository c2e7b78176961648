#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace ns {

namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

void Install(std::shared_ptr<spdlog::logger> logger, LogLevel least) {
  logger->set_level(ToSpdlog(least));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace

void LogToStderr(LogLevel least) {
  Install(std::make_shared<spdlog::logger>("ns", std::make_shared<spdlog::sinks::stderr_sink_mt>()), least);
}

Status LogToFile(const std::filesystem::path& file, LogLevel least) {
  try {
    Install(std::make_shared<spdlog::logger>("ns", std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string())), least);
  } catch (const spdlog::spdlog_ex& error) {
    return FailedPrecondition(fmt::format("cannot log to '{}': {}", file.string(), error.what()), "LOG_NOT_WRITABLE");
  }
  return OkStatus();
}

void LogLine(LogLevel level, std::string_view text) { spdlog::log(ToSpdlog(level), "{}", text); }

}  // namespace ns
