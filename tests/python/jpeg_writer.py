# SPDX-License-Identifier: Apache-2.0
"""JPEG files of random coefficients, with any sampling factors and order of scans: other writers make the usual ones alone; and files
taken apart into their segments."""
import io

import numpy as np
from PIL import Image

SIDE = 8
SOI, EOI, SOS, SOF, DHT, DQT, DRI = 0xD8, 0xD9, 0xDA, (0xC0, 0xC1, 0xC2), 0xC4, 0xDB, 0xDD


def segments(file):
    """[marker, body, data behind it] of each segment, from SOI to EOI; the pieces in order make the file."""
    parts, at = [], 0
    while at < len(file):
        marker, at = file[at + 1], at + 2
        body = b""
        if marker not in (SOI, EOI):
            length = int.from_bytes(file[at : at + 2], "big")
            body, at = file[at + 2 : at + length], at + length
        end = at
        while marker == SOS and not (file[end] == 0xFF and file[end + 1] != 0 and not 0xD0 <= file[end + 1] <= 0xD7):
            end += 1
        parts.append([marker, body, file[at:end]])
        at = end
    return parts


def segment(marker, body=b""):
    return bytes([0xFF, marker]) + (b"" if marker in (SOI, EOI) else (len(body) + 2).to_bytes(2, "big") + body)


def join(parts):
    return b"".join(segment(marker, body) + data for marker, body, data in parts)


def standard_tables():
    """{class << 4 | number: {symbol: (code, length)}} of the DHT segments that a writer makes unless it optimises, and these segments."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    file, at, tables, pieces = stream.getvalue(), 2, {}, b""
    while file[at + 1] != 0xDA:
        length = int.from_bytes(file[at + 2 : at + 4], "big")
        if file[at + 1] == 0xC4:
            pieces += file[at : at + 2 + length]
            body = file[at + 4 : at + 2 + length]
            while body:
                counts, code, symbols = body[1:17], 0, iter(body[17:])
                codes = tables[body[0]] = {}
                for bits in range(1, 17):
                    for _ in range(counts[bits - 1]):
                        codes[next(symbols)] = code, bits
                        code += 1
                    code <<= 1
                body = body[17 + sum(counts) :]
        at += 2 + length
    return tables, pieces


TABLES, HUFFMAN_SEGMENTS = standard_tables()


class BitWriter:
    def __init__(self):
        self.bits = ""

    def put(self, value, count):
        self.bits += format(value, f"0{count}b") if count else ""

    def bytes(self):
        filled = self.bits + "1" * (-len(self.bits) % 8)
        return bytes(int(filled[i : i + 8], 2) for i in range(0, len(filled), 8)).replace(b"\xff", b"\xff\x00")


def put_number(bits, table, run, value):
    size = int(abs(value)).bit_length()
    bits.put(*table[run << 4 | size])
    bits.put(int(value) if value >= 0 else int(value) + (1 << size) - 1, size)


def put_block(bits, block, dc, tables):
    """block: coefficients along the zigzag."""
    put_number(bits, TABLES[tables], 0, block[0] - dc)
    run = 0
    for value in block[1:]:
        if value == 0:
            run += 1
            continue
        while run > 15:
            bits.put(*TABLES[0x10 | tables][0xF0])
            run -= 16
        put_number(bits, TABLES[0x10 | tables], run, value)
        run = 0
    if run:
        bits.put(*TABLES[0x10 | tables][0])


def random_jpeg(random, width, height, factors, scans=None, restart=0, ids=(1, 2, 3), contrast=200):
    """A baseline file. factors: (h, v) of each component; scans: lists of components, all in one unless given; restart: units."""
    count = len(factors)
    scans = scans or [list(range(count))]
    h_max, v_max = max(h for h, _ in factors), max(v for _, v in factors)
    quant = random.integers(1, 40, 64)
    file = b"\xff\xd8" + segment(0xDB, bytes([0]) + bytes(quant.astype(np.uint8)))
    frame = b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + bytes([count])
    for i, (h, v) in enumerate(factors):
        frame += bytes([ids[i], h << 4 | v, 0])
    file += segment(0xC0, frame) + HUFFMAN_SEGMENTS
    if restart:
        file += segment(0xDD, restart.to_bytes(2, "big"))

    def block(k):
        coefficients = np.zeros(64, int)
        kept = random.integers(1, 65)
        shares = random.integers(-contrast, contrast + 1, 64) / (1 + np.arange(64)) / quant
        coefficients[:kept] = np.where(random.random(kept) < 0.6, np.round(4 * shares[:kept]), 0)
        coefficients[0] = random.integers(-900, 900) // quant[0]
        return coefficients

    for scan in scans:
        parts = bytes([len(scan)]) + b"".join(bytes([ids[i], 0x11 if i else 0]) for i in scan)
        file += segment(0xDA, parts + b"\x00\x3f\x00")
        if len(scan) > 1:
            units = -(-width // (SIDE * h_max)) * -(-height // (SIDE * v_max))
        else:
            h, v = factors[scan[0]]
            units = -(-(-(-width * h // h_max)) // SIDE) * -(-(-(-height * v // v_max)) // SIDE)
        bits, dc = BitWriter(), [0] * count
        for unit in range(units):
            if restart and unit and unit % restart == 0:
                file += bits.bytes() + bytes([0xFF, 0xD0 + (unit // restart - 1) % 8])
                bits, dc = BitWriter(), [0] * count
            for i in scan:
                for _ in range(factors[i][0] * factors[i][1] if len(scan) > 1 else 1):
                    coefficients = block(i)
                    put_block(bits, coefficients, dc[i], 1 if i else 0)
                    dc[i] = coefficients[0]
        file += bits.bytes()
    return file + b"\xff\xd9"
