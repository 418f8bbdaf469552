#pragma once

#include <string>

#include "cryptotl/transfer/examples.h"

namespace cryptotl {

/// The folder that is given, or the mail examples where the sources or an installation keep them. Throws
/// not_found.
std::filesystem::path mail_folder(const std::string& given);

/// One part of the mail examples, "source" or "target", with labels "ham" and "spam".
Examples read_mail(const std::filesystem::path& folder, const std::string& part);

}  // namespace cryptotl
