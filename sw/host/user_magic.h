/* SPDX-License-Identifier: Apache-2.0 */
/* First word of the user image: "YUSR". For C and assembly. */
#ifndef YZ_HOST_USER_MAGIC_H
#define YZ_HOST_USER_MAGIC_H

#define USER_MAGIC 0x52535559

#endif
