/* SPDX-License-Identifier: Apache-2.0 */
/* Functional scenarios that are not in demo.c. */
#ifndef YZ_HOST_DEMO_H
#define YZ_HOST_DEMO_H

void demo_enclave_life(void);
void demo_enclave_preempted(void);
void demo_enclave_fault(void);
void demo_enclaves_alternate(void);

#endif
