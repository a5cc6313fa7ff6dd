/* SPDX-License-Identifier: Apache-2.0 */
/* Never ends. */
#include "yz_bare.h"

int main(void) {
    puts_raw("spinning\n");
    for (;;) {
    }
}
