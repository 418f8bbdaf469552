#include <cryptotl/ckks/evaluator.h>
#include <cryptotl/ckks/secret_key.h>

#include <cmath>
#include <iostream>

int main() {
  using namespace cryptotl;
  const ParamsPtr params =
      *Params::create({12, ntt_primes(1u << 30, 2 << 12, 2), {ntt_primes(1u << 30, 2 << 12, 3)[2]}});
  const Evaluator evaluator(params);
  const SecretKey secret = SecretKey::generate(params);
  const Complex seven = 7;
  const Ciphertext ciphertext = encrypt(secret, evaluator.encoder().encode({&seven, 1}, 0x1p25), 0x1p25, 2);
  const Complex three = 3;
  const Ciphertext product = evaluator.multiply_plain(ciphertext, evaluator.encode({&three, 1}, 0x1p20, 2));
  const double answer = evaluator.encoder().decode(decrypt(secret, product), product.scale)[0].real();
  std::cout << "3 * 7 = " << std::lround(answer) << "\n";
}
