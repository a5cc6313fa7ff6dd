// SPDX-License-Identifier: Apache-2.0
// One Verilated module whose ports are words of two arrays: a call is a clock cycle. `ports.h` is made from its port list:
// PORTS_IN and PORTS_OUT are lists of X(port, first word).
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "Vcore.h"
#include "ports.h"
#include "verilated.h"

namespace {

struct Core {
    VerilatedContext context;
    Vcore top{&context};
};

template <class T> std::enable_if_t<std::is_integral_v<T>> put(T &port, const uint32_t *words) {
    uint64_t value = words[0];
    if constexpr (sizeof(T) > 4) {
        value |= uint64_t(words[1]) << 32;
    }
    port = static_cast<T>(value);
}

template <class T> std::enable_if_t<std::is_integral_v<T>> get(const T &port, uint32_t *words) {
    words[0] = static_cast<uint32_t>(port);
    if constexpr (sizeof(T) > 4) {
        words[1] = static_cast<uint32_t>(port >> 32);
    }
}

template <std::size_t N> void put(VlWide<N> &port, const uint32_t *words) { std::memcpy(port.data(), words, 4 * N); }

template <std::size_t N> void get(const VlWide<N> &port, uint32_t *words) { std::memcpy(words, port.data(), 4 * N); }

} // namespace

extern "C" {

// Registers that have no reset start at random values.
void *core_new(uint64_t seed) {
    auto *core = new Core;
    core->context.randReset(2);
    core->context.randSeed(static_cast<int>(seed));
    return core;
}

void core_delete(void *core) { delete static_cast<Core *>(core); }

// Inputs are applied, outputs read as they are before the clock's edge, then the edge comes.
void core_cycle(void *core, const uint32_t *in, uint32_t *out) {
    Vcore &top = static_cast<Core *>(core)->top;
    top.clk = 0;
#define X(port, word) put(top.port, in + word);
    PORTS_IN
#undef X
    top.eval();
#define X(port, word) get(top.port, out + word);
    PORTS_OUT
#undef X
    top.clk = 1;
    top.eval();
}
}
