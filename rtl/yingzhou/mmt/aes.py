# SPDX-License-Identifier: Apache-2.0
"""AES-128 encryption (FIPS 197) as logic on bit planes: substitution, rows, columns, key expansion.

Plane b of some bytes is a word with bit b of each: bit i of plane b is bit b of byte i. A state has eight planes of 16
bits. On planes one expression works on all bytes at once: 16 S-boxes cost a simulator as much as one, and shifts of
rows and columns are shifts of a word. To synthesis all of it is wiring.

A 128-bit integer has byte 0 in bits 7:0 (docs/mmt-format.md, section 4); byte r + 4c is row r, column c (FIPS 197,
section 3.4).
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Signal, Value

BLOCK_BYTES: Final = 16
ROUNDS: Final = 10
POLYNOMIAL: Final = 0x11B
"""x^8 + x^4 + x^3 + x + 1, the modulus of GF(2^8) (FIPS 197, section 4)."""
AFFINE: Final = 0x63
LAST_ROUND_CONSTANT: Final = 0x36

_CIRCUIT: Final = """
y14=x3+x5 y13=x0+x6 y9=x0+x3 y8=x0+x5 t0=x1+x2 y1=t0+x7 y4=y1+x3 y12=y13+y14 y2=y1+x0 y5=y1+x6 y3=y5+y8 t1=x4+y12
y15=t1+x5 y20=t1+x1 y6=y15+x7 y10=y15+t0 y11=y20+y9 y7=x7+y11 y17=y10+y11 y19=y10+y8 y16=t0+y11 y21=y13+y16 y18=x0+y16
t2=y12*y15 t3=y3*y6 t4=t3+t2 t5=y4*x7 t6=t5+t2 t7=y13*y16 t8=y5*y1 t9=t8+t7 t10=y2*y7 t11=t10+t7 t12=y9*y11
t13=y14*y17 t14=t13+t12 t15=y8*y10 t16=t15+t12 t17=t4+t14 t18=t6+t16 t19=t9+t14 t20=t11+t16 t21=t17+y20 t22=t18+y19
t23=t19+y21 t24=t20+y18 t25=t21+t22 t26=t21*t23 t27=t24+t26 t28=t25*t27 t29=t28+t22 t30=t23+t24 t31=t22+t26 t32=t31*t30
t33=t32+t24 t34=t23+t33 t35=t27+t33 t36=t24*t35 t37=t36+t34 t38=t27+t36 t39=t29*t38 t40=t25+t39 t41=t40+t37 t42=t29+t33
t43=t29+t40 t44=t33+t37 t45=t42+t41 z0=t44*y15 z1=t37*y6 z2=t33*x7 z3=t43*y16 z4=t40*y1 z5=t29*y7 z6=t42*y11 z7=t45*y17
z8=t41*y10 z9=t44*y12 z10=t37*y3 z11=t33*y4 z12=t43*y13 z13=t40*y5 z14=t29*y2 z15=t42*y9 z16=t45*y14 z17=t41*y8
t46=z15+z16 t47=z10+z11 t48=z5+z13 t49=z9+z10 t50=z2+z12 t51=z2+z5 t52=z7+z8 t53=z0+z3 t54=z6+z7 t55=z16+z17 t56=z12+t48
t57=t50+t53 t58=z4+t46 t59=z3+t54 t60=t46+t57 t61=z14+t57 t62=t52+t58 t63=t49+t58 t64=z4+t59 t65=t61+t62 t66=z1+t63
s0=t59+t63 s6=t56-t62 s7=t48-t60 t67=t64+t65 s3=t53+t66 s4=t51+t66 s5=t47+t65 s1=t64-s3 s2=t55-t67
"""
"""The S-box in 115 gates: J. Boyar, R. Peralta, "A new combinational logic minimization technique with applications to
cryptology", 2010. ``+`` XOR, ``*`` AND, ``-`` XNOR; x0 and s0 are the highest bits. Against 256-entry tables it takes
half the LUTs of an ECP5; :func:`sbox_is_right` compares it with the definition for all inputs."""

GATES: Final = [(gate.split("=")[0], *gate.split("=")[1].partition(operator)) for gate in _CIRCUIT.split()
                for operator in "+*-" if operator in gate]  # fmt: skip


def field_multiply(a: int, b: int) -> int:
    """Multiply two bytes in GF(2^8)."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a >> 8:
            a ^= POLYNOMIAL
        b >>= 1
    return product


def sub_byte(value: int) -> int:
    """Substitute a byte by the definition: inverse in GF(2^8), 0 for 0, then the affine map (FIPS 197, 5.1.1)."""
    inverse = next((other for other in range(256) if field_multiply(value, other) == 1), 0)
    doubled = inverse << 8 | inverse
    rotations = [doubled >> 8 - n & 0xFF for n in range(5)]
    return AFFINE ^ rotations[0] ^ rotations[1] ^ rotations[2] ^ rotations[3] ^ rotations[4]


def substitute(planes: Sequence[Any], ones: Any, node: Callable[[str, Any], Any]) -> list[Any]:
    """Substitute bytes given as eight planes, integers or Amaranth values. Each gate passes through ``node``."""
    wires = {f"x{n}": plane for n, plane in enumerate(reversed(planes))}
    for name, left, operator, right in GATES:
        a, b = wires[left], wires[right]
        wires[name] = node(name, a & b if operator == "*" else a ^ b if operator == "+" else a ^ b ^ ones)
    return [wires[f"s{n}"] for n in reversed(range(8))]


def sbox_is_right() -> bool:
    """Compare the circuit with the definition, all 256 inputs at once."""
    inputs = [sum((value >> bit & 1) << value for value in range(256)) for bit in range(8)]
    outputs = substitute(inputs, (1 << 256) - 1, lambda _, value: value)
    return all(outputs[bit] == sum((sub_byte(value) >> bit & 1) << value for value in range(256)) for bit in range(8))


assert sbox_is_right()


# Hardware


def wire(m: Module, name: str, value: Any, width: int) -> Signal:
    """Give ``value`` a name. Every node of the cores' logic is made here."""
    signal = Signal(width, name=name)
    m.d.comb += signal.eq(value)
    return signal


def to_planes(block: Value) -> list[Value]:
    """Give the planes of a 128-bit value: wiring only."""
    return [Cat(block[8 * n + bit] for n in range(BLOCK_BYTES)) for bit in range(8)]


def from_planes(planes: Sequence[Value]) -> Value:
    """Give the 128-bit value of planes: wiring only."""
    return Cat(planes[bit][n] for n in range(BLOCK_BYTES) for bit in range(8))


def sub_bytes(m: Module, planes: Sequence[Value], name: str) -> list[Value]:
    """SubBytes (FIPS 197, 5.1.1) on planes of any width."""
    width = len(planes[0])
    return substitute(planes, Const(-1, width), lambda gate, value: wire(m, f"{name}_{gate}", value, width))


def shift_rows(m: Module, planes: Sequence[Value], name: str) -> list[Value]:
    """ShiftRows (FIPS 197, 5.1.2): row r moves r columns to the left."""
    return [
        wire(
            m,
            f"{name}_rows{bit}",
            (plane & 0x1111)
            | (plane.rotate_right(4) & 0x2222)
            | (plane.rotate_right(8) & 0x4444)
            | (plane.rotate_right(12) & 0x8888),
            16,
        )
        for bit, plane in enumerate(planes)
    ]


def mix_columns(m: Module, planes: Sequence[Value], name: str) -> list[Value]:
    """MixColumns (FIPS 197, 5.1.3): byte r of a column becomes 2(a_r + a_r+1) + a_r+1 + a_r+2 + a_r+3."""
    below = [
        wire(m, f"{name}_below{bit}", (plane >> 1 & 0x7777) | (plane & 0x1111) << 3, 16)
        for bit, plane in enumerate(planes)
    ]
    pairs = [wire(m, f"{name}_pairs{bit}", planes[bit] ^ below[bit], 16) for bit in range(8)]
    mixed = []
    for bit in range(8):
        opposite = (pairs[bit] >> 2 & 0x3333) | (pairs[bit] & 0x3333) << 2
        doubled = pairs[bit - 1]
        if bit and POLYNOMIAL >> bit & 1:
            doubled = doubled ^ pairs[7]
        mixed.append(wire(m, f"{name}_mixed{bit}", doubled ^ below[bit] ^ opposite, 16))
    return mixed


def add_round_key(m: Module, planes: Sequence[Value], key: Sequence[Value], name: str) -> list[Value]:
    """AddRoundKey (FIPS 197, 5.1.4)."""
    return [wire(m, f"{name}_added{bit}", a ^ b, 16) for bit, (a, b) in enumerate(zip(planes, key, strict=True))]


def next_round_key(m: Module, planes: Sequence[Value], constant: Value, name: str) -> list[Value]:
    """One step of KeyExpansion (FIPS 197, 5.2) from a round key and the round's constant to the next round key."""
    rotated = [Cat(plane[13:16], plane[12]) for plane in planes]
    changed = sub_bytes(m, rotated, f"{name}_key")
    result = []
    for bit, plane in enumerate(planes):
        # Word w becomes the sum of words 0 to w and of the changed last word.
        words = plane ^ plane << 4 ^ plane << 8 ^ plane << 12
        first = changed[bit] ^ constant[bit]
        result.append(wire(m, f"{name}_next{bit}", words ^ Cat(first, first, first, first), 16))
    return result


def next_constant(constant: Value) -> Value:
    """Give the round constant after ``constant``: times x in GF(2^8), 8 bits."""
    return constant[:7] << 1 ^ constant[7].replicate(8) & (POLYNOMIAL & 0xFF)
