// SPDX-License-Identifier: Apache-2.0
// First-level caches and last-level caches in front of memory, as models that only know which lines they hold.
//
// One access goes: page placement, L1 (instructions or data), then every last-level cache asked for. All caches write
// back and allocate; none is inclusive of another and nothing is fetched ahead. On a miss of L1 the line is asked for
// first, then a dirty victim goes down; it is allocated below without a fetch, as the whole line comes.
#include <unistd.h>

#include <cstring>
#include <unordered_map>
#include <vector>

extern "C" {
#include "filter.h"
}

namespace {

constexpr uint32_t kLineLog = 6, kPageLog = 12;
constexpr uint64_t kNone = ~uint64_t(0);

class Cache {
  public:
    struct Result {
        bool hit;
        uint64_t victim; // dirty line that has to go, or kNone
    };

    explicit Cache(const yz_cache_shape &shape)
        : ways_(shape.ways), sets_(shape.bytes / shape.ways >> kLineLog), plru_(shape.replacement == YZ_PLRU),
          lines_(uint64_t(ways_) * sets_), tree_(plru_ ? sets_ : 0) {}

    Result access(uint64_t line, bool dirty) {
        Line *set = &lines_[line % sets_ * ways_];
        uint32_t way = 0;
        while (way < ways_ && set[way].tag != line) {
            way++;
        }
        Result result{way < ways_, kNone};
        if (!result.hit) {
            way = victim(line % sets_, set);
            if (set[way].dirty) {
                result.victim = set[way].tag;
            }
            set[way] = {line, false, 0};
        }
        set[way].dirty |= dirty;
        touch(line % sets_, set, way);
        return result;
    }

  private:
    struct Line {
        uint64_t tag = kNone;
        bool dirty = false;
        uint64_t used = 0;
    };

    uint32_t victim(uint64_t set, const Line *lines) const {
        uint32_t best = 0;
        for (uint32_t way = 0; way < ways_; way++) {
            if (lines[way].tag == kNone) {
                return way;
            }
            if (lines[way].used < lines[best].used) {
                best = way;
            }
        }
        if (!plru_) {
            return best;
        }
        uint32_t node = 1; // a bit of the tree points to the half used longer ago
        while (node < ways_) {
            node = 2 * node + (tree_[set] >> node & 1);
        }
        return node - ways_;
    }

    void touch(uint64_t set, Line *lines, uint32_t way) {
        lines[way].used = ++clock_;
        if (plru_) {
            for (uint32_t node = way + ways_; node > 1; node /= 2) {
                uint64_t bit = uint64_t(1) << node / 2;
                tree_[set] = node & 1 ? tree_[set] & ~bit : tree_[set] | bit;
            }
        }
    }

    uint32_t ways_, sets_;
    bool plru_;
    std::vector<Line> lines_;
    std::vector<uint64_t> tree_;
    uint64_t clock_ = 0;
};

struct LastLevel {
    Cache cache;
    bool there; // else all that leaves the first level is recorded
    uint64_t accesses = 0;
    uint64_t last = 0; // instruction count of the latest record
    std::vector<yz_record> records;
};

} // namespace

struct yz_filter {
    Cache l1i, l1d;
    std::vector<LastLevel> last_level;
    std::vector<uint32_t> pages;
    std::unordered_map<uint64_t, uint64_t> placed;
    uint64_t tlb_tag[256], tlb_page[256];
    uint64_t skip, limit;
    uint32_t max_records;
    yz_filter_counts counts{};
    bool full = false, out_of_pages = false;
    std::vector<char> input = std::vector<char>(1 << 20);
    size_t kept = 0; // bytes at the start of `input` that are not a whole event yet

    yz_filter(const yz_cache_shape &l1, uint64_t skip, uint64_t limit, uint32_t max_records)
        : l1i(l1), l1d(l1), skip(skip), limit(limit), max_records(max_records) {
        std::fill(tlb_tag, tlb_tag + 256, kNone);
    }

    bool place(uint64_t page, uint64_t &out) {
        size_t slot = page % 256;
        if (tlb_tag[slot] != page) {
            auto [entry, fresh] = placed.try_emplace(page, placed.size());
            if (fresh && entry->second >= pages.size()) {
                placed.erase(entry);
                out_of_pages = true;
                return false;
            }
            tlb_tag[slot] = page;
            tlb_page[slot] = pages[entry->second];
        }
        out = tlb_page[slot];
        return true;
    }

    void record(LastLevel &llc, uint64_t line, bool write) {
        if (counts.instructions <= skip || llc.records.size() == max_records) {
            return;
        }
        llc.records.push_back({line, uint32_t(counts.instructions - llc.last), write});
        llc.last = counts.instructions;
    }

    void below(uint64_t line, bool write) {
        for (LastLevel &llc : last_level) {
            llc.accesses++;
            if (!llc.there) {
                record(llc, line, write);
                continue;
            }
            Cache::Result result = llc.cache.access(line, write);
            if (!result.hit && !write) {
                record(llc, line, false);
            }
            if (result.victim != kNone) {
                record(llc, result.victim, true);
            }
        }
    }

    void line_access(uint64_t line, uint32_t kind) {
        uint64_t page;
        if (!place(line >> (kPageLog - kLineLog), page)) {
            return;
        }
        line = page << (kPageLog - kLineLog) | (line & ((1 << (kPageLog - kLineLog)) - 1));
        bool fetch = kind == YZ_FETCH, write = kind == YZ_STORE || kind == YZ_MODIFY;
        (fetch ? counts.fetches : write ? counts.stores : counts.loads)++;
        Cache::Result result = (fetch ? l1i : l1d).access(line, write);
        if (!result.hit) {
            (fetch ? counts.l1i_misses : counts.l1d_misses)++;
            below(line, false);
        }
        if (result.victim != kNone) {
            counts.l1d_writebacks++;
            below(result.victim, true);
        }
    }

    void access(uint32_t kind, uint64_t address, uint32_t size) {
        if (kind == YZ_FETCH) {
            full = counts.instructions == skip + limit;
            counts.instructions += !full;
        }
        if (full) {
            return;
        }
        uint64_t last = (address + (size ? size - 1 : 0)) >> kLineLog;
        for (uint64_t line = address >> kLineLog; line <= last && !out_of_pages; line++) {
            line_access(line, kind);
        }
    }

    bool enough() const {
        bool all = true;
        for (const LastLevel &llc : last_level) {
            all &= llc.records.size() == max_records;
        }
        return full || all;
    }

    // Lackey's text, such as "I  0401ab70,3" and " S 1fff000778,8". Returns where the first incomplete line begins.
    const char *lackey(const char *p, const char *end) {
        while (!enough() && !out_of_pages) {
            const char *eol = static_cast<const char *>(memchr(p, '\n', size_t(end - p)));
            if (!eol) {
                break;
            }
            uint32_t kind;
            switch (eol - p > 3 ? p[0] == 'I' ? 'I' : p[1] : 0) {
            case 'I': kind = YZ_FETCH; break;
            case 'L': kind = YZ_LOAD; break;
            case 'S': kind = YZ_STORE; break;
            case 'M': kind = YZ_MODIFY; break;
            default: kind = ~0u;
            }
            bool good = kind != ~0u && p[2] == ' ' && (p[0] == ' ' || (p[0] == 'I' && p[1] == ' '));
            uint64_t address = 0, size = 0;
            const char *c = p + 3;
            for (; good && c < eol && *c != ','; c++) {
                int digit = *c >= '0' && *c <= '9' ? *c - '0' : *c >= 'a' && *c <= 'f' ? *c - 'a' + 10 : -1;
                good = digit >= 0;
                address = address << 4 | uint64_t(digit & 15);
            }
            good &= c > p + 3 && c + 1 < eol;
            for (c++; good && c < eol; c++) {
                good = *c >= '0' && *c <= '9';
                size = size * 10 + uint64_t(*c - '0');
            }
            if (good && size <= 4096) {
                access(kind, address, uint32_t(size));
            } else if (eol - p < 2 || p[0] != '=' || p[1] != '=') { // ==PID== begins Valgrind's own words
                counts.bad_lines++;
            }
            p = eol + 1;
        }
        return p;
    }

    // Eight bytes an event: address in bits 47:0, size in bits 59:48, kind in bits 63:60.
    const char *binary(const char *p, const char *end) {
        for (; end - p >= 8 && !enough() && !out_of_pages; p += 8) {
            uint64_t event;
            memcpy(&event, p, 8);
            access(uint32_t(event >> 60), event & ((uint64_t(1) << 48) - 1), uint32_t(event >> 48 & 0xfff));
        }
        return p;
    }
};

yz_filter *yz_filter_open(const struct yz_cache_shape *l1, const struct yz_cache_shape *llc, uint32_t n_llc,
                          const uint32_t *pages, uint32_t n_pages, uint64_t skip, uint64_t limit, uint32_t max_records) {
    auto *f = new yz_filter(*l1, skip, limit, max_records);
    for (uint32_t i = 0; i < n_llc; i++) {
        f->last_level.push_back({Cache(llc[i]), llc[i].bytes != 0, 0, skip, {}});
    }
    f->pages.assign(pages, pages + n_pages);
    return f;
}

void yz_filter_close(yz_filter *f) { delete f; }

void yz_filter_access(yz_filter *f, uint32_t kind, uint64_t address, uint32_t size) { f->access(kind, address, size); }

int yz_filter_read(yz_filter *f, int fd, uint32_t format) {
    for (int round = 0; round < 16; round++) {
        ssize_t n = read(fd, f->input.data() + f->kept, f->input.size() - f->kept);
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            return 1;
        }
        const char *end = f->input.data() + f->kept + n;
        const char *rest = format == YZ_BINARY ? f->binary(f->input.data(), end) : f->lackey(f->input.data(), end);
        if (f->out_of_pages) {
            return 3;
        }
        if (f->enough()) {
            return 2;
        }
        f->kept = size_t(end - rest);
        if (f->kept == f->input.size()) { // no line is this long
            f->counts.bad_lines++;
            f->kept = 0;
        }
        memmove(f->input.data(), rest, f->kept);
    }
    return 0;
}

struct yz_filter_counts yz_filter_counts_of(const yz_filter *f) {
    yz_filter_counts counts = f->counts;
    counts.pages = f->placed.size();
    return counts;
}

uint64_t yz_filter_llc_accesses(const yz_filter *f, uint32_t llc) { return f->last_level[llc].accesses; }

uint64_t yz_filter_llc_instructions(const yz_filter *f, uint32_t llc) {
    const LastLevel &l = f->last_level[llc];
    if (l.records.size() == f->max_records) {
        return l.last - f->skip;
    }
    return f->counts.instructions > f->skip ? f->counts.instructions - f->skip : 0;
}

uint32_t yz_filter_records(const yz_filter *f, uint32_t llc, const struct yz_record **out) {
    *out = f->last_level[llc].records.data();
    return uint32_t(f->last_level[llc].records.size());
}
