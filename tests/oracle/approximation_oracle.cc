// Our side of approximation_oracle.py: reads lines "FUNCTION LOW HIGH DEGREE" from standard input and answers
// each with one line: the largest error and the coefficients.

#include <cstdio>
#include <iostream>
#include <map>
#include <string>

#include "cryptotl/network/approximation.h"

int main() {
  using namespace cryptotl;
  const std::map<std::string, Layer> functions{
      {"relu", Relu{}}, {"sigmoid", Sigmoid{}}, {"tanh", Tanh{}}, {"gelu", Gelu{}}};
  std::string name;
  Interval interval;
  size_t degree = 0;
  while (std::cin >> name >> interval.low >> interval.high >> degree) {
    const Approximation found = approximate(functions.at(name), interval, degree).value();
    std::printf("%.17g", found.max_error);
    for (const double c : found.polynomial.coefficients) std::printf(" %.17g", c);
    std::puts("");
  }
  return 0;
}
