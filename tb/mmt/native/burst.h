// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <vector>

// A burst on either side.
struct Burst {
    uint32_t tag = 0;
    uint16_t id = 0;
    uint64_t addr = 0;
    uint8_t len = 0, size = 0, burst = 0;
    std::vector<std::array<uint8_t, 16>> data;
    std::vector<uint16_t> strobe;
    std::vector<uint8_t> resp;
    uint64_t due = 0;
    uint32_t sent = 0;
    bool sampled = false;
    std::vector<uint8_t> lost;  // Of each beat of a write: memory refuses it. Settled when the last one arrives.

    // Address of a beat (Arm IHI 0022H, A3.4.1).
    uint64_t beat_addr(uint32_t n) const {
        uint64_t bytes = 1ull << size, aligned = addr & ~(bytes - 1);
        if (burst == 0 || n == 0) {
            return addr;
        }
        uint64_t next = aligned + n * bytes;
        if (burst == 2) {
            uint64_t span = bytes * (len + 1), base = addr & ~(span - 1);
            next = base | (next & (span - 1));
        }
        return next;
    }

    // Whole lines in their order, every byte of them.
    bool whole() const {
        bool all = size == 4 && burst == 1 && addr % 64 == 0 && len % 4 == 3;
        for (uint16_t mask : strobe) {
            all = all && mask == 0xFFFF;
        }
        return all;
    }
};
