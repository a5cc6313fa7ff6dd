/* SPDX-License-Identifier: Apache-2.0 */
#include "lib.h"

struct sink {
    yz_put_fn put;
    void *context;
    int count;
};

static void emit(struct sink *sink, char c)
{
    sink->put(sink->context, c);
    sink->count++;
}

/* Put text of the given length, filled on the left or right to width. */
static void emit_field(struct sink *sink, const char *text, int length, int width, int left, char fill)
{
    for (int n = length; !left && n < width; n++)
        emit(sink, fill);
    for (int n = 0; n < length; n++)
        emit(sink, text[n]);
    for (int n = length; left && n < width; n++)
        emit(sink, ' ');
}

/* Write value in base 10 or 16 before `end`; returns where the digits begin. */
static char *digits(char *end, unsigned long value, unsigned base, int upper)
{
    do {
        unsigned digit = (unsigned)(value % base);
        *--end = (char)(digit < 10 ? '0' + digit : (upper ? 'A' : 'a') + digit - 10);
        value /= base;
    } while (value);
    return end;
}

static void emit_number(struct sink *sink, unsigned long value, int negative, unsigned base, int upper, int width, int left,
                        int zero)
{
    char buffer[24];
    char *end = buffer + sizeof buffer;
    char *text = digits(end, value, base, upper);
    if (negative && zero) {
        emit(sink, '-');
        width--;
    } else if (negative) {
        *--text = '-';
    }
    emit_field(sink, text, (int)(end - text), width, left, zero && !left ? '0' : ' ');
}

int yz_vformat(yz_put_fn put, void *context, const char *format, va_list arguments)
{
    struct sink sink = {put, context, 0};
    for (const char *f = format; *f; f++) {
        if (*f != '%') {
            emit(&sink, *f);
            continue;
        }
        const char *start = f++;
        int left = 0, zero = 0, width = 0, wide = 0;
        for (; *f == '-' || *f == '0'; f++) {
            left |= *f == '-';
            zero |= *f == '0';
        }
        for (; *f >= '0' && *f <= '9'; f++)
            width = width * 10 + (*f - '0');
        for (; *f == 'l'; f++)
            wide = 1;
        switch (*f) {
        case 'd':
        case 'i': {
            long value = wide ? va_arg(arguments, long) : va_arg(arguments, int);
            unsigned long size = value < 0 ? 0ul - (unsigned long)value : (unsigned long)value;
            emit_number(&sink, size, value < 0, 10, 0, width, left, zero);
            break;
        }
        case 'u':
        case 'x':
        case 'X': {
            unsigned long value = wide ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned);
            emit_number(&sink, value, 0, *f == 'u' ? 10 : 16, *f == 'X', width, left, zero);
            break;
        }
        case 'p':
            emit(&sink, '0');
            emit(&sink, 'x');
            emit_number(&sink, (uintptr_t)va_arg(arguments, void *), 0, 16, 0, 2 * (int)sizeof(void *), 0, 1);
            break;
        case 'c': {
            char c = (char)va_arg(arguments, int);
            emit_field(&sink, &c, 1, width, left, ' ');
            break;
        }
        case 's': {
            const char *text = va_arg(arguments, const char *);
            if (!text)
                text = "(null)";
            emit_field(&sink, text, (int)strlen(text), width, left, ' ');
            break;
        }
        case '%':
            emit(&sink, '%');
            break;
        default:
            emit_field(&sink, start, (int)(f - start) + (*f != 0), 0, 0, ' ');
            if (!*f)
                return sink.count;
        }
    }
    return sink.count;
}

struct bounded {
    char *next, *last;
};

static void put_bounded(void *context, char c)
{
    struct bounded *b = context;
    if (b->next < b->last)
        *b->next++ = c;
}

int yz_vsnprintf(char *to, size_t size, const char *format, va_list arguments)
{
    char none;
    struct bounded b = {size ? to : &none, size ? to + size - 1 : &none};
    int length = yz_vformat(put_bounded, &b, format, arguments);
    if (size)
        *b.next = 0;
    return length;
}

int yz_snprintf(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = yz_vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return length;
}
