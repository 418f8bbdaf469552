#include "service/idle_thread.h"

#include <sched.h>
#include <sys/resource.h>

namespace cryptotl {

void step_back() {
  const sched_param none{};
  // Linux has nice values a thread.
  if (::pthread_setschedparam(::pthread_self(), SCHED_IDLE, &none) != 0) ::setpriority(PRIO_PROCESS, 0, 19);
}

void step_forward(pthread_t thread) {
  const sched_param none{};
  static_cast<void>(::pthread_setschedparam(thread, SCHED_OTHER, &none));
}

}  // namespace cryptotl
