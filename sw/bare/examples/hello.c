/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest bare program. */
#include <yz_bare.h>

int main(void)
{
    printf("hello from machine mode, cycle %lu\n", (unsigned long)bare_cycles());
    return 0;
}
