// SPDX-License-Identifier: Apache-2.0
// What the parts of the bench share: the engine, its clock, chance, and the list of what happened.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "Vmmt.h"
#include "verilated.h"

extern "C" {
#include "engine.h"
}

struct Rng {
    uint64_t state;
    uint64_t next() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
    bool chance(uint32_t of256) { return of256 && (next() >> 20 & 255) < of256; }
    uint64_t below(uint64_t n) { return n ? (next() >> 11) % n : 0; }
};

template <typename Wide> void get16(const Wide &from, uint8_t *to) { std::memcpy(to, &from[0], 16); }
template <typename Wide> void put16(Wide &to, const uint8_t *from) { std::memcpy(&to[0], from, 16); }

struct Shared {
    VerilatedContext context;
    Vmmt top{&context, "mmt"};
    Rng rng;
    mmt_settings settings{};
    uint64_t cycle = 0;
    std::vector<mmt_event> events;
    std::vector<uint8_t> arena;

    explicit Shared(uint64_t seed) : rng{seed * 0x9E3779B97F4A7C15ull | 1} {}

    bool master_pauses() { return rng.chance(settings.pause_master); }
    bool memory_pauses() { return rng.chance(settings.pause_memory); }

    void event(uint8_t kind, uint8_t resp, uint16_t id, uint32_t tag, uint64_t addr, const void *data = nullptr,
               size_t length = 0) {
        auto offset = uint32_t(arena.size());
        if (length) {
            arena.insert(arena.end(), static_cast<const uint8_t *>(data), static_cast<const uint8_t *>(data) + length);
        }
        events.push_back({kind, resp, id, tag, cycle, addr, offset, uint32_t(length)});
    }

    void broken(const std::string &text) { event(MMT_PROTOCOL, 0, 0, 0, 0, text.data(), text.size()); }
};
