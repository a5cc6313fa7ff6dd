/* SPDX-License-Identifier: Apache-2.0 */
/* Entering an enclave and coming back. */
#include "enclave.h"
#include "hal.h"
#include "integrity.h"
#include "pte.h"
#include "world.h"

static struct enclave *running;

static void refuse(struct frame *frame, int32_t error)
{
    frame->x[REG_A0] = (uint32_t)error;
    frame->x[REG_A1] = 0;
}

static void enter(struct frame *frame, struct enclave *enclave)
{
    world_enter_enclave(frame, page_protected(enclave->root) >> PAGE_SHIFT);
    for (uint32_t i = 0; i < 32; i++)
        frame->x[i] = enclave->x[i];
    enclave->state = ENCLAVE_RUNNING;
    running = enclave;
}

/* The host goes on after its call, with its own registers and what abi.h says an exit tells. */
static void leave(struct frame *frame, enum enclave_state state, uint32_t reason, uint32_t a2, uint32_t a3, uint32_t a4)
{
    for (uint32_t i = 0; i < 32; i++)
        running->x[i] = frame->x[i];
    if (state != ENCLAVE_FREE)
        running->state = state;
    /* countermeasure: MON.REGISTERS */
    world_enter_host(frame);
    frame->x[REG_A0] = SBI_SUCCESS;
    frame->x[REG_A1] = reason;
    frame->x[REG_A2] = a2;
    frame->x[REG_A3] = a3;
    frame->x[REG_A4] = a4;
    if (state == ENCLAVE_FREE)
        enclave_release(running);
}

void enclave_run(struct frame *frame)
{
    struct enclave *enclave = enclave_find(frame->x[REG_A0]);
    if (enclave == 0)
        refuse(frame, YZ_ERR_NO_ENCLAVE);
    else if (enclave->state == ENCLAVE_LOST)
        refuse(frame, YZ_ERR_INTEGRITY);
    /* countermeasure: MON.STATE */
    else if (enclave->state != ENCLAVE_FRESH)
        refuse(frame, YZ_ERR_STATE);
    else
        enter(frame, enclave);
}

void enclave_resume(struct frame *frame)
{
    struct enclave *enclave = enclave_find(frame->x[REG_A0]);
    uint32_t reason = frame->x[REG_A1];
    uint32_t value = frame->x[REG_A2];
    static const enum enclave_state expected[] = {
        [YZ_RESUME_TIMER] = ENCLAVE_RUNNABLE,
        [YZ_RESUME_STOP] = ENCLAVE_STOPPED,
        [YZ_RESUME_OCALL] = ENCLAVE_OCALLING,
    };
    if (enclave == 0) {
        refuse(frame, YZ_ERR_NO_ENCLAVE);
    } else if (reason > YZ_RESUME_OCALL) {
        refuse(frame, SBI_ERR_INVALID_PARAM);
    } else if (enclave->state == ENCLAVE_LOST) {
        refuse(frame, YZ_ERR_INTEGRITY);
    /* countermeasure: MON.RESUME_STATE */
    } else if (enclave->state != expected[reason]) {
        refuse(frame, YZ_ERR_STATE);
    } else if (reason == YZ_RESUME_STOP) {
        enclave->state = ENCLAVE_RUNNABLE;
        refuse(frame, SBI_SUCCESS);
    } else {
        if (reason == YZ_RESUME_OCALL)
            enclave->x[REG_A1] = value;
        enter(frame, enclave);
    }
}

/* An ecall of the enclave. Its a0 and a1 are the answer, now or when the host resumes it. */
static void enclave_call(struct frame *frame)
{
    uint32_t *x = frame->x;
    uint32_t a0 = x[REG_A0], a1 = x[REG_A1], a2 = x[REG_A2];
    x[0] += 4;
    x[REG_A1] = 0;
    if (x[REG_A7] != YZ_EXT_ENCLAVE) {
        /* countermeasure: MON.HOST_CALLS */
        x[REG_A0] = (uint32_t)(x[REG_A7] == YZ_EXT_HOST ? SBI_ERR_DENIED : SBI_ERR_NOT_SUPPORTED);
        return;
    }
    x[REG_A0] = SBI_SUCCESS;
    switch (x[REG_A6]) {
    case YZ_ENCLAVE_YIELD:
        leave(frame, ENCLAVE_RUNNABLE, YZ_EXIT_YIELD, 0, 0, 0);
        break;
    case YZ_ENCLAVE_GET_ID:
        x[REG_A1] = enclave_id(running);
        break;
    case YZ_ENCLAVE_OCALL:
        leave(frame, ENCLAVE_OCALLING, YZ_EXIT_OCALL, a0, a1, a2);
        break;
    case YZ_ENCLAVE_EXIT:
        leave(frame, ENCLAVE_FREE, YZ_EXIT_DONE, a0, 0, 0);
        break;
    default:
        x[REG_A0] = (uint32_t)SBI_ERR_NOT_SUPPORTED;
        break;
    }
}

static bool is_access_fault(uint32_t cause)
{
    return cause == CAUSE_FETCH_ACCESS || cause == CAUSE_LOAD_ACCESS || cause == CAUSE_STORE_ACCESS;
}

/* True when the trap was about broken memory: it ended the running enclave, or another one and this one goes on. */
static bool memory_trap(struct frame *frame)
{
    if (frame->cause != CAUSE_MEI && !(is_access_fault(frame->cause) && integrity_broken()))
        return false;
    /* A store of the enclave that memory refused: what it believes to be in its memory is not. */
    /* countermeasure: MON.LOST_STORE */
    bool stored = hal_settle();
    struct engine_failure failure = integrity_recover();
    if (running->state == ENCLAVE_LOST || !stored || frame->cause != CAUSE_MEI)
        leave(frame, ENCLAVE_FREE, YZ_EXIT_INTEGRITY, failure.kind, failure.level, 0);
    return true;
}

void enclave_trap(struct frame *frame)
{
    if (memory_trap(frame))
        return;
    if ((frame->cause & CAUSE_INTERRUPT) != 0)
        leave(frame, ENCLAVE_RUNNABLE, YZ_EXIT_TIMER, 0, 0, 0);
    else if (frame->cause == CAUSE_ECALL_U)
        enclave_call(frame);
    else
        leave(frame, ENCLAVE_FREE, YZ_EXIT_FAULT, frame->cause, 0, 0);
}
