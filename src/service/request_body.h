#pragma once

#include <httplib.h>

#include <functional>
#include <initializer_list>
#include <string_view>

#include "cryptotl/base/bytes.h"

namespace cryptotl {

/// The number in a header that must be there.
Result<size_t> number_header(const httplib::Request& request, std::string_view name);

/// The body's length, which has to be one of `right`.
Status require_length(size_t length, std::initializer_list<size_t> right);

/// Gives the body's bytes to `take` as they come, until it refuses.
Status read_body(const httplib::ContentReader& reader, size_t length,
                 const std::function<Status(ByteView)>& take);

}  // namespace cryptotl
