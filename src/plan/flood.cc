#include "flood.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cryptotl {
namespace {

// Of the room, which is an eighth of the precision. With the rounding of the answer, at most a quarter as
// much, the first is 72 %: what thousands of answers show stays below half of the precision (5.5 deviations).
// The second is all of it.
constexpr double kShareOfRoom = 0.7;
constexpr double kMostOfRoom = 0.97;

}  // namespace

double flood_for_room(double sources, double room) {
  const double all = std::clamp(std::numbers::sqrt2 * sources, kShareOfRoom * room, kMostOfRoom * room);
  return sources < all ? std::sqrt(all * all - sources * sources) : 0;
}

void add_chosen_term(ProgramPlan& plan, const char* name, double deviation) {
  if (deviation > 0) plan.noise.insert(plan.noise.end() - 1, {name, deviation});
}

}  // namespace cryptotl
