# SPDX-License-Identifier: Apache-2.0
"""A film of the QR code that onboardd prints, as a camera would deliver it: YUV4MPEG2, which Chromium plays as its camera
(--use-file-for-fake-video-capture)."""

WIDTH, HEIGHT, FRAMES = 640, 480, 2
INK = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


def modules(lines):
    """Rows of what is dark and light, two for each line of half blocks; light is ink on a dark terminal."""
    rows = []
    for line in lines:
        line = strip_colours(line)
        if len(line) > 20 and set(line) <= set(INK):
            pairs = [INK[c] for c in line]
            rows.append([p[0] for p in pairs])
            rows.append([p[1] for p in pairs])
    if not rows:
        raise ValueError("no QR code in: " + "\n".join(lines))
    width = max(map(len, rows))
    return [row + [0] * (width - len(row)) for row in rows]


def strip_colours(line):
    out, skip = [], False
    for c in line:
        if c == "\x1b":
            skip = True
        elif skip:
            skip = c != "m"
        else:
            out.append(c)
    return "".join(out)


def write(rows, path):
    """The code in the middle of a grey wall."""
    scale = min(WIDTH // len(rows[0]), HEIGHT // len(rows))
    left, top = (WIDTH - scale * len(rows[0])) // 2, (HEIGHT - scale * len(rows)) // 2
    picture = bytearray([180]) * (WIDTH * HEIGHT)
    for y, row in enumerate(rows):
        line = b"".join(bytes([225 if light else 30]) * scale for light in row)
        for i in range(scale):
            at = (top + y * scale + i) * WIDTH + left
            picture[at:at + len(line)] = line
    colour = bytes([128]) * (WIDTH * HEIGHT // 2)
    with open(path, "wb") as f:
        f.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode())
        for _ in range(FRAMES):
            f.write(b"FRAME\n" + bytes(picture) + colour)
