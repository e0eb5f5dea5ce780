#include <atomic>

#include "kernels/functions.hpp"

namespace rnndyn::kernels {
namespace {

std::atomic<const Functions*>& in_use() {
  static std::atomic<const Functions*> table{&native_functions()};
  return table;
}

}  // namespace

const Functions& functions() { return *in_use().load(std::memory_order_acquire); }

void use_functions(const Functions& functions) {
  in_use().store(&functions, std::memory_order_release);
}

}  // namespace rnndyn::kernels
