// The program's log, by spdlog. As text, lines "2026-01-31T12:00:00.123Z level message name=value ..."; as JSON, an object a line:
// {"time": "2026-01-31T12:00:00.123Z", "level": "info", "message": "...", "name": "value", ...}.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace ns {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
// "debug", "info", "warning", "error".
std::optional<LogLevel> ParseLogLevel(std::string_view name);

enum class LogFormat { kText, kJson };

// Where lines go from now on: standard error (the default), or appended to `file`. Not thread-safe against running loggers; call them once,
// at start.
void LogToStderr(LogLevel least = LogLevel::kInfo, LogFormat format = LogFormat::kText);
Status LogToFile(const std::filesystem::path& file, LogLevel least = LogLevel::kInfo, LogFormat format = LogFormat::kText);

// False: a line of this level would be left out.
bool Logs(LogLevel level);

// Names and values of a line, beside its text.
using LogFields = std::vector<std::pair<std::string_view, std::string>>;
void LogLine(LogLevel level, std::string_view text, const LogFields& fields = {});

template <typename... Args>
void LogInfo(fmt::format_string<Args...> format, Args&&... args) {
  LogLine(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void LogWarning(fmt::format_string<Args...> format, Args&&... args) {
  LogLine(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void LogError(fmt::format_string<Args...> format, Args&&... args) {
  LogLine(LogLevel::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace ns
