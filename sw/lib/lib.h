/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few library functions that every freestanding program here uses: memory, strings, formatted text.
 *
 * Names and meanings of the mem* and str* functions are the C standard's (C11 7.24); the compiler may call them by itself.
 * They copy and fill by words where both addresses allow it: the hart has no misaligned access and no data cache.
 */
#ifndef YZ_LIB_H
#define YZ_LIB_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);

/* Takes one character of formatted text. */
typedef void (*yz_put_fn)(void *context, char c);

/*
 * Format like printf into `put`: %d %i %u %x %X %p %c %s %%, flags '-' and '0', a width, and an ignored 'l'.
 * An unknown conversion is written out as it stands. Returns the number of characters put.
 */
int yz_vformat(yz_put_fn put, void *context, const char *format, va_list arguments);

/* snprintf with the conversions above: writes at most size - 1 characters and a NUL; returns the untruncated length. */
int yz_vsnprintf(char *to, size_t size, const char *format, va_list arguments);
__attribute__((format(printf, 3, 4))) int yz_snprintf(char *to, size_t size, const char *format, ...);

#endif
