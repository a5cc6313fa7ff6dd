/* SPDX-License-Identifier: Apache-2.0 */
/* A Valgrind tool that writes a program's accesses to a file, eight bytes each: address in bits 47:0, size in 59:48,
 * kind in 63:60 (0 an instruction, 1 load, 2 store). A compare-and-swap is a load and a store. Built on the user's
 * machine against the libraries that Valgrind comes with; Lackey gives the same as text, a write for each line. */
#include "pub_tool_basics.h"
#include "pub_tool_libcassert.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_machine.h"
#include "pub_tool_options.h"
#include "pub_tool_tooliface.h"

enum { FETCH, LOAD, STORE };

#define EVENTS 16384
static ULong events[EVENTS];
static UInt used;
static Int sink = -1;
static const HChar *path;

static void flush(void) {
    const HChar *bytes = (const HChar *)events;
    UInt left = used * sizeof events[0];
    while (left > 0) {
        Int n = VG_(write)(sink, bytes, (Int)left);
        if (n <= 0) { /* the reader has all it wants */
            VG_(exit)(0);
        }
        bytes += n;
        left -= (UInt)n;
    }
    used = 0;
}

static VG_REGPARM(2) void put(HWord address, HWord head) {
    if (used == EVENTS) {
        flush();
    }
    events[used++] = (address & 0xFFFFFFFFFFFFULL) | head;
}

static HWord head_of(UInt kind, Int size) { return (HWord)kind << 60 | (HWord)size << 48; }

static void add(IRSB *out, UInt kind, IRExpr *address, Int size, IRExpr *guard) {
    IRDirty *call = unsafeIRDirty_0_N(2, "put", VG_(fnptr_to_fnentry)(put),
                                      mkIRExprVec_2(address, mkIRExpr_HWord(head_of(kind, size))));
    if (guard) {
        call->guard = guard;
    }
    addStmtToIRSB(out, IRStmt_Dirty(call));
}

static Int size_of(IRType type) { return sizeofIRType(type); }

static void add_for(IRSB *out, const IRTypeEnv *types, const IRStmt *s) {
    switch (s->tag) {
    case Ist_IMark:
        add(out, FETCH, mkIRExpr_HWord((HWord)s->Ist.IMark.addr), (Int)s->Ist.IMark.len, NULL);
        break;
    case Ist_WrTmp:
        if (s->Ist.WrTmp.data->tag == Iex_Load) {
            add(out, LOAD, s->Ist.WrTmp.data->Iex.Load.addr, size_of(s->Ist.WrTmp.data->Iex.Load.ty), NULL);
        }
        break;
    case Ist_Store:
        add(out, STORE, s->Ist.Store.addr, size_of(typeOfIRExpr(types, s->Ist.Store.data)), NULL);
        break;
    case Ist_StoreG: {
        const IRStoreG *g = s->Ist.StoreG.details;
        add(out, STORE, g->addr, size_of(typeOfIRExpr(types, g->data)), g->guard);
        break;
    }
    case Ist_LoadG: {
        const IRLoadG *g = s->Ist.LoadG.details;
        IRType result = Ity_INVALID, loaded = Ity_INVALID;
        typeOfIRLoadGOp(g->cvt, &result, &loaded);
        add(out, LOAD, g->addr, size_of(loaded), g->guard);
        break;
    }
    case Ist_Dirty: {
        const IRDirty *d = s->Ist.Dirty.details;
        if (d->mFx == Ifx_Read || d->mFx == Ifx_Modify) {
            add(out, LOAD, d->mAddr, d->mSize, NULL);
        }
        if (d->mFx == Ifx_Write || d->mFx == Ifx_Modify) {
            add(out, STORE, d->mAddr, d->mSize, NULL);
        }
        break;
    }
    case Ist_CAS: {
        const IRCAS *c = s->Ist.CAS.details;
        Int size = size_of(typeOfIRExpr(types, c->dataLo)) * (c->dataHi ? 2 : 1);
        add(out, LOAD, c->addr, size, NULL);
        add(out, STORE, c->addr, size, NULL);
        break;
    }
    case Ist_LLSC:
        if (s->Ist.LLSC.storedata == NULL) {
            add(out, LOAD, s->Ist.LLSC.addr, size_of(typeOfIRTemp(types, s->Ist.LLSC.result)), NULL);
        } else {
            add(out, STORE, s->Ist.LLSC.addr, size_of(typeOfIRExpr(types, s->Ist.LLSC.storedata)), NULL);
        }
        break;
    default:
        break;
    }
}

static IRSB *instrument(VgCallbackClosure *closure, IRSB *in, const VexGuestLayout *layout,
                        const VexGuestExtents *extents, const VexArchInfo *host, IRType guest_word, IRType host_word) {
    IRSB *out = deepCopyIRSBExceptStmts(in);
    Int i = 0;
    (void)closure, (void)layout, (void)extents, (void)host;
    if (guest_word != host_word) {
        VG_(tool_panic)("guest and host words differ");
    }
    for (; i < in->stmts_used && in->stmts[i]->tag != Ist_IMark; i++) { /* preamble */
        addStmtToIRSB(out, in->stmts[i]);
    }
    for (; i < in->stmts_used; i++) {
        const IRStmt *s = in->stmts[i];
        if (s && s->tag != Ist_NoOp) {
            add_for(out, in->tyenv, s);
            addStmtToIRSB(out, (IRStmt *)s);
        }
    }
    return out;
}

static Bool option(const HChar *argument) {
    return VG_STR_CLO(argument, "--events", path) ? True : False;
}

static void usage(void) { VG_(printf)("    --events=<path>   where accesses are written\n"); }

static void no_debug_usage(void) { VG_(printf)("    (none)\n"); }

static void begin(void) {
    sink = path ? VG_(fd_open)(path, VKI_O_WRONLY, 0) : -1;
    if (sink < 0) {
        VG_(fmsg_bad_option)("--events", "cannot be opened for writing\n");
    }
}

static void end(Int status) {
    (void)status;
    flush();
}

static void before_options(void) {
    VG_(details_name)("yzaccess");
    VG_(details_version)(NULL);
    VG_(details_description)("writes a program's accesses");
    VG_(details_copyright_author)("");
    VG_(details_bug_reports_to)("the project it came with");
    VG_(details_avg_translation_sizeB)(400);
    VG_(basic_tool_funcs)(begin, instrument, end);
    VG_(needs_command_line_options)(option, usage, no_debug_usage);
}

VG_DETERMINE_INTERFACE_VERSION(before_options)
