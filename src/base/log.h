// The program's log: lines "2026-01-31T12:00:00.123Z level message", by spdlog.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace ns {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Where lines go from now on: standard error (the default), or appended to `file`. Not thread-safe against running loggers; call it
// once, at start.
void LogToStderr(LogLevel least = LogLevel::kInfo);
Status LogToFile(const std::filesystem::path& file, LogLevel least = LogLevel::kInfo);

void LogLine(LogLevel level, std::string_view text);

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
