#include "cli/mail.h"

#include "cli/command.h"

namespace cryptotl {

namespace fs = std::filesystem;

fs::path mail_folder(const std::string& given) {
  if (!given.empty()) return given;
  const fs::path folders[] = {program_folder() / "../examples/mail",
                              program_folder() / "../share/cryptotl/examples/mail", "examples/mail"};
  for (const fs::path& folder : folders) {
    if (fs::exists(folder / "target.f16.npy")) return fs::weakly_canonical(folder);
  }
  throw Error(ErrorCode::not_found, "examples/mail is not beside this program; give --data");
}

Examples read_mail(const fs::path& folder, const std::string& part) {
  Examples out = read_data((folder / (part + ".f16.npy")).string(),
                           (folder / (part + ".labels.npy")).string(), "", "all-mpnet-base-v2", true);
  for (std::string& label : out.labels) label = label == "1" ? "spam" : "ham";
  out.source = "mail, " + part;
  return out;
}

}  // namespace cryptotl
