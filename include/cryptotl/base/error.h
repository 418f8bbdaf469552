#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace cryptotl {

/// Why something was refused or failed; chosen by what the caller should do next.
enum class ErrorCode : uint8_t {
  invalid_argument,     ///< the caller's value is wrong: correct it and call again
  parameter_mismatch,   ///< made for other parameters, another key, model, embedder or width
  insecure_parameters,  ///< refused for security
  level_exhausted,      ///< no multiplication is left at this level
  scale_mismatch,       ///< operands stand at different scales
  missing_key,          ///< an evaluation key is not there
  malformed,            ///< bytes from outside that do not follow their format
  unsupported_version,  ///< a format version that this build does not read
  too_large,            ///< beyond a stated limit
  resource_exhausted,   ///< no place, memory or time left, or the peer is gone: try again later
  not_found,            ///< no such model, file or route
  internal,             ///< our own bug
};

/// The code's name as it stands in messages and JSON, such as "parameter_mismatch".
std::string_view name(ErrorCode code);

/// Exit code of a program that ends with this error: 1 failed, 2 usage, 3 malformed input, 4 refused for
/// security.
int exit_code(ErrorCode code);

/// HTTP status of an answer that carries this error.
int http_status(ErrorCode code);

/// What happens on a broken contract of the public interface, and the payload of a failed Result. The message
/// is one line (what, where, what would be right) and never holds residues, plaintexts or keys.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

/// A value, or the error that kept it from being made. Parsers of outside bytes return it and never throw.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// The value; throws the error where there is none.
  T& value() & {
    if (!ok()) throw std::get<1>(state_);
    return std::get<0>(state_);
  }
  const T& value() const& {
    if (!ok()) throw std::get<1>(state_);
    return std::get<0>(state_);
  }
  T&& value() && {
    if (!ok()) throw std::get<1>(state_);
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// The error; throws where there is none.
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  /// Throws the error where there is one.
  void value() const {
    if (error_) throw *error_;
  }
  /// The error; throws where there is none.
  const Error& error() const { return error_.value(); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

/// Ends the process with a message: for broken invariants of our own, never for bad input.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

#define CRYPTOTL_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::cryptotl::assertion_failed(#expression, __FILE__, __LINE__))

/// Leaves the calling function with the error of a failed Result or Status.
#define CRYPTOTL_TRY(expression)                                                                    \
  do {                                                                                              \
    if (auto cryptotl_status = (expression); !cryptotl_status.ok()) return cryptotl_status.error(); \
  } while (false)

}  // namespace cryptotl
