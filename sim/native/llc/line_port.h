// SPDX-License-Identifier: Apache-2.0
// One who asks the cache for whole lines and knows what it should read.
#ifndef YZ_LLC_LINE_PORT_H
#define YZ_LLC_LINE_PORT_H
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "../engine/master.h"

// A port of the Verilated module: references to its pins.
template <class Data> struct LinePins {
    uint8_t &valid, &ready, &write, &tag, &answer, &answer_tag, &answer_error;
    uint32_t &line;
    uint64_t &strobe;
    Data &data, &answer_data;
};

// Begin an access with start() when room() and not busy(); ended() lists what was answered since it was last cleared.
template <class Data> class LinePort {
  public:
    static constexpr uint32_t kTags = 16;
    static constexpr uint32_t kHitCycles = 2; // from the cycle in which a hit is accepted to its answer
    struct Done {
        uint64_t name;
        uint32_t cycles; // from the first with the request to the one with its answer, both included
        bool write, hit;
    };
    uint64_t errors = 0, mismatches = 0;

    explicit LinePort(const LinePins<Data> &pins) : pins_(pins) {}

    bool room() const { return !waits_ && under_way_ < kTags; }
    bool idle() const { return under_way_ == 0; }
    uint32_t under_way() const { return under_way_; }
    uint32_t writes_under_way() const { return writes_; }
    std::vector<Done> &ended() { return ended_; }
    bool busy(uint64_t line, bool write) const {
        return under_way_ && std::any_of(slots_, slots_ + kTags, [&](const Slot &s) {
                   return s.used && s.line == line && (write || s.write);
               });
    }

    void start(uint64_t line, bool write, uint64_t name, uint64_t now) {
        tag_ = uint8_t(std::find_if(slots_, slots_ + kTags, [](const Slot &s) { return !s.used; }) - slots_);
        slots_[tag_] = {true, write, line, name, now, 0};
        under_way_++;
        writes_ += write;
        waits_ = true;
        if (write) {
            contents_.next(line, data_);
        }
    }

    void drive() {
        pins_.valid = waits_;
        if (waits_) {
            const Slot &s = slots_[tag_];
            pins_.line = uint32_t(s.line);
            pins_.write = s.write;
            pins_.tag = tag_;
            pins_.strobe = ~uint64_t(0);
            std::memcpy(&pins_.data, data_, sizeof data_);
        }
    }

    void sample(uint64_t now) {
        if (pins_.answer) {
            finish(slots_[pins_.answer_tag], now);
        }
        if (pins_.valid && pins_.ready) {
            slots_[tag_].accepted = now;
            waits_ = false;
        }
    }

  private:
    struct Slot {
        bool used = false, write = false;
        uint64_t line = 0, name = 0, since = 0, accepted = 0;
    };

    void finish(Slot &s, uint64_t now) {
        if (!s.used || pins_.answer_error) {
            errors++;
        } else if (!s.write && !contents_.equals(s.line, reinterpret_cast<const uint8_t *>(&pins_.answer_data))) {
            mismatches++;
        }
        ended_.push_back({s.name, uint32_t(now - s.since + 1), s.write, now - s.accepted == kHitCycles});
        under_way_ -= s.used;
        writes_ -= s.used && s.write;
        s.used = false;
    }

    LinePins<Data> pins_;
    Contents contents_;
    Slot slots_[kTags];
    std::vector<Done> ended_;
    uint8_t tag_ = 0, data_[64] = {};
    bool waits_ = false;
    uint32_t under_way_ = 0, writes_ = 0;
};

#endif
