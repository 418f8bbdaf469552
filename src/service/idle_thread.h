#pragma once

#include <pthread.h>

namespace cryptotl {

/// From now on the calling thread runs where no other one wants to.
void step_back();
/// The thread gets its turn back among the others, where the system allows that.
void step_forward(pthread_t thread);

}  // namespace cryptotl
