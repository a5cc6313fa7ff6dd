// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstring>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "Vmmt.h"
#include "verilated.h"

#include "nonces.h"

extern "C" {
#include "engine.h"
}

namespace {

using Line = std::array<uint8_t, 64>;
constexpr uint32_t kManyEvents = 4096;
constexpr uint32_t kQuiet = 64;  // Cycles: more than a unit of the engine needs between two accesses to memory.

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
};

template <typename Wide> void get16(const Wide &from, uint8_t *to) { std::memcpy(to, &from[0], 16); }
template <typename Wide> void put16(Wide &to, const uint8_t *from) { std::memcpy(&to[0], from, 16); }

}  // namespace

struct mmt_engine {
    VerilatedContext context;
    Vmmt top{&context, "mmt"};
    Rng rng;
    mmt_settings settings{};
    uint64_t cycle = 0, beats = 0;
    bool irq = false;

    // Master's side.
    std::deque<Burst> aw_queue, w_queue, ar_queue;
    uint64_t aw_done = 0, w_done = 0;  // Bursts whose address, whose data has been sent.
    std::unordered_map<uint16_t, std::deque<Burst>> b_wait, r_wait;
    uint32_t outstanding = 0;

    // Registers.
    struct Lite {
        uint32_t tag;
        uint8_t op;
        uint16_t addr;
        uint32_t data, mask;
    };
    std::deque<Lite> lite;
    bool lite_aw = false, lite_w = false, lite_ar = false;  // Accepted parts of the access at the front.
    std::deque<uint32_t> entropy;

    // Memory.
    std::unordered_map<uint64_t, Line> memory;
    std::unordered_map<uint64_t, int> faults;
    std::deque<Burst> m_aw;           // Addresses whose data is still to come.
    std::deque<std::array<uint8_t, 19>> m_w;  // Data that came before its address: 16 bytes, strobe, last.
    std::vector<Burst> m_writes;      // To be answered, oldest first.
    std::vector<Burst> m_reads;
    int b_sel = -1, r_sel = -1;       // Driven now; kept until taken.
    bool v_aw = false, v_w = false, v_ar = false, v_lw = false, v_la = false, v_lr = false;

    Nonces nonces;

    // Stability of what the engine drives.
    struct Held {
        bool on = false;
        std::string value;
    };
    Held held[5];

    std::vector<mmt_event> events;
    std::vector<uint8_t> arena;

    explicit mmt_engine(uint64_t seed) : rng{seed * 0x9E3779B97F4A7C15ull | 1} {}

    void event(uint8_t kind, uint8_t resp, uint16_t id, uint32_t tag, uint64_t addr, const void *data = nullptr,
               size_t length = 0) {
        auto offset = uint32_t(arena.size());
        if (length) {
            arena.insert(arena.end(), static_cast<const uint8_t *>(data), static_cast<const uint8_t *>(data) + length);
        }
        events.push_back({kind, resp, id, tag, cycle, addr, offset, uint32_t(length)});
    }

    void broken(const std::string &text) { event(MMT_PROTOCOL, 0, 0, 0, 0, text.data(), text.size()); }

    Line &line(uint64_t addr) {
        auto [at, fresh] = memory.try_emplace(addr & ~63ull);
        if (fresh) {
            at->second.fill(0);
        }
        return at->second;
    }

    int fault(uint64_t addr) const {
        auto at = faults.find(addr & ~63ull);
        return at == faults.end() ? 0 : at->second;
    }

    // What the memory does

    // Whole lines are told when they arrive, in the order in which the engine sent them; parts when they take effect.
    static bool whole(const Burst &b) {
        bool all = b.size == 4 && b.burst == 1 && b.addr % 64 == 0 && b.len % 4 == 3;
        for (uint16_t strobe : b.strobe) {
            all = all && strobe == 0xFFFF;
        }
        return all;
    }

    void tell_whole(const Burst &b) {
        for (uint32_t n = 0; n <= b.len; n += 4) {
            if (!b.lost[n]) {
                event(MMT_MEMORY_WRITE, 0, b.id, 0, b.beat_addr(n), b.data[n].data(), 64);
            }
        }
    }

    void apply(Burst &b) {
        uint64_t current = ~0ull;
        uint8_t resp = 0;
        bool told = whole(b);
        for (uint32_t n = 0; n <= b.len; n++) {
            uint64_t addr = b.beat_addr(n);
            if (b.lost[n]) {
                resp = 2;
                continue;
            }
            if (!told && current != ~0ull && current != (addr & ~63ull)) {
                event(MMT_MEMORY_WRITE, 0, b.id, 0, current, line(current).data(), 64);
            }
            current = addr & ~63ull;
            Line &to = line(addr);
            for (uint32_t i = 0; i < 16; i++) {
                if (b.strobe[n] >> i & 1) {
                    to[(addr & 48) + i] = b.data[n][i];
                }
            }
        }
        if (!told && current != ~0ull) {
            event(MMT_MEMORY_WRITE, 0, b.id, 0, current, line(current).data(), 64);
        }
        b.resp.assign(1, resp);
    }

    void sample(Burst &b) {
        uint64_t current = ~0ull;
        b.data.resize(b.len + 1u);
        b.resp.resize(b.len + 1u);
        for (uint32_t n = 0; n <= b.len; n++) {
            uint64_t addr = b.beat_addr(n);
            std::memcpy(b.data[n].data(), &line(addr)[addr & 48], 16);
            b.resp[n] = fault(addr) & 1 ? 2 : 0;
            if (settings.log_reads && current != (addr & ~63ull)) {
                current = addr & ~63ull;
                event(MMT_MEMORY_READ, 0, b.id, 0, current);
            }
        }
        b.sampled = true;
    }

    uint64_t due() {
        return cycle + settings.latency_min + rng.below(settings.latency_max - settings.latency_min + 1ull);
    }

    // The oldest burst of its identifier that is due; -1: none. Any identifier may go first.
    int choose(const std::vector<Burst> &bursts) {
        int chosen = -1;
        uint32_t count = 0;
        for (size_t i = 0; i < bursts.size(); i++) {
            bool first = bursts[i].due <= cycle;
            for (size_t j = 0; j < i && first; j++) {
                first = bursts[j].id != bursts[i].id;
            }
            if (first && rng.below(++count) == 0) {
                chosen = int(i);
            }
        }
        return chosen;
    }

    void drive_memory() {
        top.m_axi_awready = !rng.chance(settings.pause_memory);
        top.m_axi_wready = !rng.chance(settings.pause_memory);
        top.m_axi_arready = !rng.chance(settings.pause_memory) && m_reads.size() < 64;
        if (b_sel < 0 && !rng.chance(settings.pause_memory)) {
            b_sel = choose(m_writes);
            if (b_sel >= 0) {
                apply(m_writes[b_sel]);
            }
        }
        top.m_axi_bvalid = b_sel >= 0;
        if (b_sel >= 0) {
            top.m_axi_bid = m_writes[b_sel].id;
            top.m_axi_bresp = m_writes[b_sel].resp[0];
        } else {
            top.m_axi_bid = rng.next();
            top.m_axi_bresp = rng.next() & 3;
        }
        if (r_sel < 0 && !rng.chance(settings.pause_memory)) {
            r_sel = choose(m_reads);
            if (r_sel >= 0 && !m_reads[r_sel].sampled) {
                sample(m_reads[r_sel]);
            }
        }
        top.m_axi_rvalid = r_sel >= 0;
        if (r_sel >= 0) {
            Burst &b = m_reads[r_sel];
            top.m_axi_rid = b.id;
            put16(top.m_axi_rdata, b.data[b.sent].data());
            top.m_axi_rresp = b.resp[b.sent];
            top.m_axi_rlast = b.sent == b.len;
        } else {  // Nothing is promised about payloads without valid.
            uint8_t noise[16];
            for (int i = 0; i < 16; i += 8) {
                uint64_t word = rng.next();
                std::memcpy(noise + i, &word, 8);
            }
            put16(top.m_axi_rdata, noise);
            top.m_axi_rid = rng.next();
            top.m_axi_rresp = rng.next() & 3;
            top.m_axi_rlast = rng.next() & 1;
        }
    }

    void data_beat(const std::array<uint8_t, 19> &beat) {
        Burst &b = m_aw.front();
        std::array<uint8_t, 16> data;
        std::memcpy(data.data(), beat.data(), 16);
        b.data.push_back(data);
        b.strobe.push_back(uint16_t(beat[16] | beat[17] << 8));
        bool last = b.data.size() == b.len + 1u;
        if (bool(beat[18]) != last) {
            broken("m_axi_wlast is " + std::to_string(beat[18]) + " at beat " + std::to_string(b.data.size()));
        }
        if (last) {
            b.due = due();
            for (uint32_t n = 0; n <= b.len; n++) {
                b.lost.push_back(fault(b.beat_addr(n)) & 2);
            }
            if (whole(b)) {
                tell_whole(b);
            }
            m_writes.push_back(std::move(b));
            m_aw.pop_front();
        }
    }

    Burst address(uint16_t id, uint64_t addr, uint8_t len, uint8_t size, uint8_t burst, const char *name) {
        Burst b;
        b.id = id;
        b.addr = addr;
        b.len = len;
        b.size = size;
        b.burst = burst;
        if (size > 4 || burst == 3 || (burst == 2 && (len + 1u & len))) {
            broken(std::string(name) + ": size " + std::to_string(size) + ", burst " + std::to_string(burst));
        }
        if (burst == 1 && (addr ^ ((addr & ~((1ull << size) - 1)) + (len + 1ull << size) - 1)) >> 12) {
            broken(std::string(name) + " crosses 4 KiB");
        }
        return b;
    }

    void sample_memory() {
        if (top.m_axi_awvalid && top.m_axi_awready) {
            beats++;
            m_aw.push_back(address(top.m_axi_awid, top.m_axi_awaddr, top.m_axi_awlen, top.m_axi_awsize,
                                   top.m_axi_awburst, "m_axi_aw"));
        }
        if (top.m_axi_wvalid && top.m_axi_wready) {
            beats++;
            std::array<uint8_t, 19> beat;
            get16(top.m_axi_wdata, beat.data());
            beat[16] = uint8_t(top.m_axi_wstrb);
            beat[17] = uint8_t(top.m_axi_wstrb >> 8);
            beat[18] = top.m_axi_wlast;
            m_w.push_back(beat);
        }
        while (!m_w.empty() && !m_aw.empty()) {
            data_beat(m_w.front());
            m_w.pop_front();
        }
        if (top.m_axi_bvalid && top.m_axi_bready) {
            beats++;
            m_writes.erase(m_writes.begin() + b_sel);
            b_sel = -1;
        }
        if (top.m_axi_arvalid && top.m_axi_arready) {
            beats++;
            Burst b = address(top.m_axi_arid, top.m_axi_araddr, top.m_axi_arlen, top.m_axi_arsize, top.m_axi_arburst,
                              "m_axi_ar");
            b.due = due();
            m_reads.push_back(std::move(b));
        }
        if (top.m_axi_rvalid && top.m_axi_rready) {
            beats++;
            Burst &b = m_reads[r_sel];
            if (b.sent++ == b.len) {
                m_reads.erase(m_reads.begin() + r_sel);
            }
            r_sel = -1;
        }
    }

    // What the master does

    void drive_master() {
        v_aw = v_aw || (!aw_queue.empty() && !rng.chance(settings.pause_master));
        top.s_axi_awvalid = v_aw;
        if (v_aw) {
            const Burst &b = aw_queue.front();
            top.s_axi_awid = b.id;
            top.s_axi_awaddr = b.addr;
            top.s_axi_awlen = b.len;
            top.s_axi_awsize = b.size;
            top.s_axi_awburst = b.burst;
        }
        bool may = !w_queue.empty() && (settings.write_lead || w_done < aw_done || v_aw);
        v_w = v_w || (may && !rng.chance(settings.pause_master));
        top.s_axi_wvalid = v_w;
        if (v_w) {
            const Burst &b = w_queue.front();
            put16(top.s_axi_wdata, b.data[b.sent].data());
            top.s_axi_wstrb = b.strobe[b.sent];
            top.s_axi_wlast = b.sent == b.len;
        } else {
            top.s_axi_wlast = rng.next() & 1;
        }
        v_ar = v_ar || (!ar_queue.empty() && !rng.chance(settings.pause_master));
        top.s_axi_arvalid = v_ar;
        if (v_ar) {
            const Burst &b = ar_queue.front();
            top.s_axi_arid = b.id;
            top.s_axi_araddr = b.addr;
            top.s_axi_arlen = b.len;
            top.s_axi_arsize = b.size;
            top.s_axi_arburst = b.burst;
        }
        top.s_axi_bready = !rng.chance(settings.pause_master);
        top.s_axi_rready = !rng.chance(settings.pause_master);
    }

    void sample_master() {
        if (top.s_axi_awvalid && top.s_axi_awready) {
            Burst b = std::move(aw_queue.front());
            aw_queue.pop_front();
            v_aw = false;
            aw_done++;
            event(MMT_WRITE_ISSUED, 0, b.id, b.tag, b.addr);
            b_wait[b.id].push_back(std::move(b));
        }
        if (top.s_axi_wvalid && top.s_axi_wready) {
            Burst &b = w_queue.front();
            if (b.sent++ == b.len) {
                w_queue.pop_front();
                w_done++;
            }
            v_w = false;
        }
        if (top.s_axi_arvalid && top.s_axi_arready) {
            Burst b = std::move(ar_queue.front());
            ar_queue.pop_front();
            v_ar = false;
            event(MMT_READ_ISSUED, 0, b.id, b.tag, b.addr);
            r_wait[b.id].push_back(std::move(b));
        }
        if (top.s_axi_bvalid && top.s_axi_bready) {
            auto &waiting = b_wait[top.s_axi_bid];
            if (waiting.empty()) {
                broken("s_axi_b without a write of identifier " + std::to_string(top.s_axi_bid));
            } else {
                event(MMT_WRITE_DONE, top.s_axi_bresp, top.s_axi_bid, waiting.front().tag, waiting.front().addr);
                waiting.pop_front();
                outstanding--;
            }
        }
        if (top.s_axi_rvalid && top.s_axi_rready) {
            auto &waiting = r_wait[top.s_axi_rid];
            if (waiting.empty()) {
                broken("s_axi_r without a read of identifier " + std::to_string(top.s_axi_rid));
                return;
            }
            Burst &b = waiting.front();
            b.data.emplace_back();
            get16(top.s_axi_rdata, b.data.back().data());
            b.resp.push_back(top.s_axi_rresp);
            bool last = b.data.size() == b.len + 1u;
            if (bool(top.s_axi_rlast) != last) {
                broken("s_axi_rlast is " + std::to_string(top.s_axi_rlast) + " at beat " +
                       std::to_string(b.data.size()) + " of " + std::to_string(b.len + 1));
            }
            if (last) {
                std::vector<uint8_t> all(17 * b.data.size());
                for (size_t i = 0; i < b.data.size(); i++) {
                    std::memcpy(&all[16 * i], b.data[i].data(), 16);
                    all[16 * b.data.size() + i] = b.resp[i];
                }
                event(MMT_READ_DONE, 0, b.id, b.tag, b.addr, all.data(), all.size());
                waiting.pop_front();
                outstanding--;
            }
        }
    }

    // Registers

    void drive_lite() {
        bool write = !lite.empty() && lite.front().op == 1;
        bool read = !lite.empty() && lite.front().op != 1;
        bool pause = rng.chance(settings.pause_master);
        v_la = v_la || (write && !lite_aw && !pause);
        v_lw = v_lw || (write && !lite_w && !rng.chance(settings.pause_master));
        v_lr = v_lr || (read && !lite_ar && !pause);
        top.s_axil_awvalid = v_la;
        top.s_axil_wvalid = v_lw;
        top.s_axil_arvalid = v_lr;
        top.s_axil_awprot = top.s_axil_arprot = 0;
        top.s_axil_wstrb = 15;
        if (!lite.empty()) {
            top.s_axil_awaddr = lite.front().addr;
            top.s_axil_araddr = lite.front().addr;
            top.s_axil_wdata = lite.front().data;
        }
        top.s_axil_bready = !pause;
        top.s_axil_rready = !pause;
    }

    void sample_lite() {
        if (top.s_axil_awvalid && top.s_axil_awready) {
            v_la = false;
            lite_aw = true;
        }
        if (top.s_axil_wvalid && top.s_axil_wready) {
            v_lw = false;
            lite_w = true;
        }
        if (top.s_axil_arvalid && top.s_axil_arready) {
            v_lr = false;
            lite_ar = true;
        }
        if (top.s_axil_bvalid && top.s_axil_bready) {
            event(MMT_LITE_DONE, top.s_axil_bresp, 0, lite.front().tag, 0);
            lite.pop_front();
            lite_aw = lite_w = false;
        }
        if (top.s_axil_rvalid && top.s_axil_rready) {
            const Lite &l = lite.front();
            uint32_t word = top.s_axil_rdata;
            lite_ar = false;
            if (l.op != 2 || top.s_axil_rresp || (word & l.mask) == l.data) {
                event(MMT_LITE_DONE, top.s_axil_rresp, 0, l.tag, word);
                lite.pop_front();
            }
        }
    }

    // A channel that is valid and not taken must stay as it is (A3.2.1).
    void stable(int channel, bool valid, bool ready, const void *payload, size_t length, const char *name) {
        Held &h = held[channel];
        std::string now(static_cast<const char *>(payload), length);
        if (h.on && (!valid || now != h.value)) {
            broken(std::string(name) + " changed while it waited");
        }
        h.on = valid && !ready;
        h.value = std::move(now);
    }

    void check_stable() {
        struct Address {
            uint64_t addr;
            uint32_t id, len, size, burst;
        };
        Address aw{top.m_axi_awaddr, top.m_axi_awid, top.m_axi_awlen, top.m_axi_awsize, top.m_axi_awburst};
        Address ar{top.m_axi_araddr, top.m_axi_arid, top.m_axi_arlen, top.m_axi_arsize, top.m_axi_arburst};
        std::array<uint8_t, 24> w{}, r{};
        get16(top.m_axi_wdata, w.data());
        w[16] = uint8_t(top.m_axi_wstrb);
        w[17] = uint8_t(top.m_axi_wstrb >> 8);
        w[18] = top.m_axi_wlast;
        get16(top.s_axi_rdata, r.data());
        r[16] = top.s_axi_rresp;
        r[17] = top.s_axi_rlast;
        r[18] = uint8_t(top.s_axi_rid);
        uint32_t b = uint32_t(top.s_axi_bid) << 2 | top.s_axi_bresp;
        stable(0, top.m_axi_awvalid, top.m_axi_awready, &aw, sizeof aw, "m_axi_aw");
        stable(1, top.m_axi_wvalid, top.m_axi_wready, w.data(), w.size(), "m_axi_w");
        stable(2, top.m_axi_arvalid, top.m_axi_arready, &ar, sizeof ar, "m_axi_ar");
        stable(3, top.s_axi_bvalid, top.s_axi_bready, &b, sizeof b, "s_axi_b");
        stable(4, top.s_axi_rvalid, top.s_axi_rready, r.data(), r.size(), "s_axi_r");
    }

    void check_nonces() {
        std::string wrong;
        if (top.probe_encrypt_valid) {
            wrong += nonces.encrypt_line(top.probe_encrypt_slot);
        }
        if (top.probe_seal_valid) {
            wrong += nonces.seal_node();
        }
        if (top.probe_lines_valid) {
            wrong += nonces.ask_line(top.probe_lines_tag >> 3, top.probe_lines_tag & 7,
                                     Nonces::input(top.probe_lines_block, top.probe_lines_key));
        }
        if (top.probe_tree_valid) {
            wrong += nonces.ask_node(Nonces::input(top.probe_tree_block, top.probe_tree_key));
        }
        if (!wrong.empty()) {
            broken(wrong);
        }
    }

    void step() {
        top.clk = 0;
        drive_memory();
        drive_master();
        drive_lite();
        top.entropy_valid = !entropy.empty();
        top.entropy_data = entropy.empty() ? uint32_t(rng.next()) : entropy.front();
        top.eval();
        sample_memory();
        sample_master();
        sample_lite();
        check_stable();
        check_nonces();
        if (top.entropy_valid && top.entropy_ready) {
            entropy.pop_front();
        }
        if (bool(top.irq) != irq) {
            irq = top.irq;
            event(MMT_IRQ, irq, 0, 0, 0);
        }
        top.clk = 1;
        top.eval();
        cycle++;
    }

    void reset(uint32_t cycles) {
        for (auto &b : m_writes) {
            if (b.resp.empty() && (rng.next() >> 30 & 1)) {
                apply(b);
            }
        }
        aw_queue.clear();
        w_queue.clear();
        ar_queue.clear();
        b_wait.clear();
        r_wait.clear();
        lite.clear();
        entropy.clear();
        m_aw.clear();
        m_w.clear();
        m_writes.clear();
        m_reads.clear();
        outstanding = 0;
        aw_done = w_done = 0;
        b_sel = r_sel = -1;
        v_aw = v_w = v_ar = v_lw = v_la = v_lr = lite_aw = lite_w = lite_ar = false;
        top.rst = 1;
        for (uint32_t i = 0; i < cycles; i++) {
            top.clk = 0;
            top.s_axi_awvalid = top.s_axi_wvalid = top.s_axi_arvalid = top.s_axil_awvalid = top.s_axil_wvalid = 0;
            top.s_axil_arvalid = top.m_axi_bvalid = top.m_axi_rvalid = top.entropy_valid = 0;
            top.eval();
            top.clk = 1;
            top.eval();
            cycle++;
        }
        for (auto &h : held) {
            h.on = false;
        }
        nonces.clear();
        top.rst = 0;
        irq = false;
    }

    bool idle() const { return outstanding == 0 && lite.empty() && m_writes.empty() && m_aw.empty() && m_reads.empty(); }

    int run(uint64_t cycles, uint64_t until) {
        uint64_t quiet = 0;
        for (uint64_t i = 0; i < cycles; i++) {
            if (until && beats >= until) {
                return MMT_STOP_BEATS;
            }
            if (events.size() >= kManyEvents) {
                return MMT_STOP_EVENTS;
            }
            quiet = idle() && !top.m_axi_awvalid && !top.m_axi_arvalid ? quiet + 1 : 0;
            if (quiet > kQuiet) {
                return MMT_STOP_IDLE;
            }
            step();
        }
        return MMT_STOP_CYCLES;
    }
};

extern "C" {

mmt_engine *mmt_new(uint64_t seed) { return new mmt_engine(seed); }
void mmt_delete(mmt_engine *e) { delete e; }
struct mmt_settings *mmt_get_settings(mmt_engine *e) { return &e->settings; }

void mmt_write(mmt_engine *e, uint32_t tag, uint16_t id, uint64_t addr, uint8_t len, uint8_t size, uint8_t burst,
               const uint8_t *data, const uint16_t *strobe) {
    Burst b;
    b.tag = tag;
    b.id = id;
    b.addr = addr;
    b.len = len;
    b.size = size;
    b.burst = burst;
    e->aw_queue.push_back(b);
    b.data.resize(len + 1u);
    std::memcpy(b.data.data(), data, 16 * (len + 1u));
    b.strobe.assign(strobe, strobe + len + 1);
    e->w_queue.push_back(std::move(b));
    e->outstanding++;
}

void mmt_read(mmt_engine *e, uint32_t tag, uint16_t id, uint64_t addr, uint8_t len, uint8_t size, uint8_t burst) {
    Burst b;
    b.tag = tag;
    b.id = id;
    b.addr = addr;
    b.len = len;
    b.size = size;
    b.burst = burst;
    e->ar_queue.push_back(std::move(b));
    e->outstanding++;
}

void mmt_lite(mmt_engine *e, uint32_t tag, uint8_t op, uint16_t addr, uint32_t data, uint32_t mask) {
    e->lite.push_back({tag, op, addr, data, mask});
}

void mmt_entropy(mmt_engine *e, const uint32_t *words, uint32_t count) {
    e->entropy.insert(e->entropy.end(), words, words + count);
}

void mmt_test_keys(mmt_engine *e, int on) { e->top.test_keys = on; }
void mmt_reset(mmt_engine *e, uint32_t cycles) { e->reset(cycles); }
int mmt_run(mmt_engine *e, uint64_t cycles, uint64_t beats) { return e->run(cycles, beats ? e->beats + beats : 0); }
uint64_t mmt_cycle(mmt_engine *e) { return e->cycle; }
uint64_t mmt_beats(mmt_engine *e) { return e->beats; }

uint32_t mmt_events(mmt_engine *e, const mmt_event **events, const uint8_t **arena) {
    *events = e->events.data();
    *arena = e->arena.data();
    return uint32_t(e->events.size());
}

uint64_t mmt_nonces(mmt_engine *e) { return e->nonces.count(); }

void mmt_clear_events(mmt_engine *e) {
    e->events.clear();
    e->arena.clear();
}

void mmt_peek(mmt_engine *e, uint64_t addr, uint8_t *data) {
    auto at = e->memory.find(addr & ~63ull);
    if (at == e->memory.end()) {
        std::memset(data, 0, 64);
    } else {
        std::memcpy(data, at->second.data(), 64);
    }
}

void mmt_poke(mmt_engine *e, uint64_t addr, const uint8_t *data) { std::memcpy(e->line(addr).data(), data, 64); }

uint32_t mmt_lines(mmt_engine *e, uint64_t *addrs, uint32_t room) {
    uint32_t count = 0;
    for (auto &[addr, line] : e->memory) {
        if (count < room) {
            addrs[count] = addr;
        }
        count++;
    }
    return count;
}

void mmt_fault(mmt_engine *e, uint64_t addr, int kind) {
    if (kind) {
        e->faults[addr & ~63ull] = kind;
    } else {
        e->faults.erase(addr & ~63ull);
    }
}

}
