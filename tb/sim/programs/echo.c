/* SPDX-License-Identifier: Apache-2.0 */
/* Sends back what it receives; 'q' ends it with exit code 7. */
#include "yz/memory_map.h"
#include "yz_bare.h"

int main(void) {
    volatile uint32_t *uart = (volatile uint32_t *)YZ_UART_BASE;
    for (;;) {
        if ((uart[2] & 2u) != 0) {
            char c = (char)uart[1];
            if (c == 'q') {
                return 7;
            }
            putchar_raw(c);
        }
    }
}
