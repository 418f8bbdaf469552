#include "cryptotl/base/error.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace cryptotl {
namespace {

struct Row {
  ErrorCode code;
  std::string_view name;
  int exit;
  int http;
};

// The one table that every boundary (main, HTTP, bindings) maps errors by.
constexpr std::array kRows = {
    Row{ErrorCode::invalid_argument, "invalid_argument", 2, 400},
    Row{ErrorCode::parameter_mismatch, "parameter_mismatch", 3, 409},
    Row{ErrorCode::insecure_parameters, "insecure_parameters", 4, 403},
    Row{ErrorCode::level_exhausted, "level_exhausted", 1, 400},
    Row{ErrorCode::scale_mismatch, "scale_mismatch", 1, 400},
    Row{ErrorCode::missing_key, "missing_key", 1, 404},
    Row{ErrorCode::malformed, "malformed", 3, 400},
    Row{ErrorCode::unsupported_version, "unsupported_version", 3, 400},
    Row{ErrorCode::too_large, "too_large", 3, 413},
    Row{ErrorCode::resource_exhausted, "resource_exhausted", 1, 503},
    Row{ErrorCode::not_found, "not_found", 1, 404},
    Row{ErrorCode::internal, "internal", 1, 500},
};

const Row& row(ErrorCode code) {
  for (const Row& candidate : kRows) {
    if (candidate.code == code) return candidate;
  }
  return kRows.back();
}

}  // namespace

std::string_view name(ErrorCode code) { return row(code).name; }
int exit_code(ErrorCode code) { return row(code).exit; }
int http_status(ErrorCode code) { return row(code).http; }

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, expression);
  std::abort();
}

}  // namespace cryptotl
