#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cryptotl/transfer/audit.h"

namespace cryptotl {

// What each attack reached, for machines and for people.

nlohmann::json to_json(const MembershipAudit& audit);
nlohmann::json to_json(const CanaryRuns& audit);
nlohmann::json to_json(const std::vector<KeyRecoveryAttack>& audit);
nlohmann::json to_json(const ServerViewAudit& audit);
nlohmann::json to_json(const ExtractionAudit& audit);

std::string audit_text(const MembershipAudit& audit);
std::string audit_text(const CanaryRuns& audit, const std::string& subject);
std::string audit_text(const std::vector<KeyRecoveryAttack>& audit);
std::string audit_text(const ServerViewAudit& audit);
std::string audit_text(const ExtractionAudit& audit);

}  // namespace cryptotl
