#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>

#include "base/printable.h"
#include "base/utf8.h"

namespace ns {

namespace {

constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
constexpr const char* kTime = "%Y-%m-%dT%H:%M:%S.%eZ";

LogFormat current_format = LogFormat::kText;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

void Install(std::shared_ptr<spdlog::logger> logger, LogLevel least, LogFormat format) {
  current_format = format;
  logger->set_level(ToSpdlog(least));
  std::string pattern = format == LogFormat::kText ? fmt::format("{} %l %v", kTime) : fmt::format(R"({{"time":"{}",%v}})", kTime);
  logger->set_pattern(pattern, spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

// As a JSON string, with its quotation marks. Bytes that are not UTF-8 become U+FFFD.
void AppendJson(std::string_view text, std::string* out) {
  *out += '"';
  while (!text.empty()) {
    size_t length = Utf8Length(text);
    unsigned char c = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      *out += "\xEF\xBF\xBD";
    } else if (c < 0x20 || c == 0x7F) {
      *out += fmt::format("\\u{:04x}", c);
    } else {
      if (c == '"' || c == '\\') *out += '\\';
      *out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(1, length));
  }
  *out += '"';
}

std::string JsonLine(LogLevel level, std::string_view text, const LogFields& fields) {
  std::string line = fmt::format(R"("level":"{}","message":)", kLevels[static_cast<size_t>(level)]);
  AppendJson(text, &line);
  for (const auto& [name, value] : fields) {
    line += ',';
    AppendJson(name, &line);
    line += ':';
    AppendJson(value, &line);
  }
  return line;
}

}  // namespace

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  for (size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i] == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

void LogToStderr(LogLevel least, LogFormat format) {
  Install(std::make_shared<spdlog::logger>("ns", std::make_shared<spdlog::sinks::stderr_sink_mt>()), least, format);
}

Status LogToFile(const std::filesystem::path& file, LogLevel least, LogFormat format) {
  try {
    Install(std::make_shared<spdlog::logger>("ns", std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string())), least, format);
  } catch (const spdlog::spdlog_ex& error) {
    return FailedPrecondition(fmt::format("cannot log to '{}': {}", file.string(), error.what()), "LOG_NOT_WRITABLE");
  }
  return OkStatus();
}

bool Logs(LogLevel level) { return spdlog::should_log(ToSpdlog(level)); }

void LogLine(LogLevel level, std::string_view text, const LogFields& fields) {
  if (!Logs(level)) return;
  if (current_format == LogFormat::kJson) return spdlog::log(ToSpdlog(level), "{}", JsonLine(level, text, fields));
  std::string line = Printable(text);
  for (const auto& [name, value] : fields) line += fmt::format(" {}={}", name, Printable(value));
  spdlog::log(ToSpdlog(level), "{}", line);
}

}  // namespace ns
