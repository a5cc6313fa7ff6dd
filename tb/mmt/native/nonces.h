// SPDX-License-Identifier: Apache-2.0
// No AES input is used for two writes: what the engine's own units ask AES for, whatever they meant (MMT.FRESH).
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <unordered_set>

// Under one set of keys. Domains as in docs/mmt-format.md, section 4.
class Nonces {
  public:
    struct Input {
        uint64_t low = 0, high = 0; // of the block
        bool mac = false;           // the key
        bool operator==(const Input &) const = default;
        unsigned domain() const { return unsigned(high >> 62); }
    };

    template <typename Wide> static Input input(const Wide &block, bool mac) {
        Input made;
        std::memcpy(&made.low, &block[0], 8);
        std::memcpy(&made.high, &block[2], 8);
        made.mac = mac;
        return made;
    }

    // Lines asks for block `number` of `slot`: 0 to 3 pads, 4 the mask.
    std::string ask_line(unsigned slot, unsigned number, const Input &asked) {
        lines_[slot & 31][number] = asked;
        bool mask = number == 4;
        return number > 4 || asked.mac != mask || asked.domain() != (mask ? 1u : 0u) ? "a line " + wrong(asked) : "";
    }

    std::string ask_node(const Input &asked) {
        node_ = asked;
        return !asked.mac || asked.domain() != 2 ? "a node " + wrong(asked) : "";
    }

    std::string encrypt_line(unsigned slot) {
        std::string text;
        for (const Input &one : lines_[slot & 31]) {
            text += use(one);
        }
        return text;
    }

    std::string seal_node() { return use(node_); }

    uint64_t count() const { return used_.size(); }
    void clear() { used_.clear(); }

  private:
    struct Hash {
        size_t operator()(const Input &in) const {
            return (in.low * 0x9E3779B97F4A7C15ull ^ in.high) * 0xC2B2AE3D27D4EB4Full + in.mac;
        }
    };

    std::string use(const Input &one) { return used_.insert(one).second ? "" : "two writes " + wrong(one); }

    static std::string wrong(const Input &in) {
        return "use AES input " + std::to_string(in.high) + ":" + std::to_string(in.low) + " of domain " +
               std::to_string(in.domain()) + (in.mac ? " with the MAC key" : " with the pad key");
    }

    std::array<std::array<Input, 5>, 32> lines_{};
    Input node_{};
    std::unordered_set<Input, Hash> used_;
};
