#!/usr/bin/python3
"""Cut the faces that receipts embeds from Debian's font packages.

    apt-get install python3-fonttools fonts-noto-core fonts-droid-fallback fonts-nanum
    ./cut.py

The faces stay TrueType outlines (gofpdf reads nothing else). Layout tables and hints are dropped:
gofpdf does not shape, and PDF readers do not need hints. Same packages, same bytes.
"""

import gzip
import os

from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

HERE = os.path.dirname(os.path.abspath(__file__))
TRUETYPE = "/usr/share/fonts/truetype/"


def span(first, last):
    return list(range(first, last + 1))


LATIN_GREEK_CYRILLIC = (
    span(0x20, 0x7E)
    + span(0xA0, 0x24F)  # Latin-1, Extended-A and -B
    + span(0x2B9, 0x2DD)  # modifier letters
    + span(0x300, 0x36F)  # combining marks
    + span(0x370, 0x3FF)
    + span(0x400, 0x52F)
    + span(0x1E00, 0x1EFF)  # Latin Extended Additional: Vietnamese, capital sharp s
    + span(0x2007, 0x200A)
    + span(0x2010, 0x2027)
    + [0x202F]
    + span(0x2030, 0x203A)
    + [0x2044, 0x205F]
    + span(0x2070, 0x208E)
    + span(0x20A0, 0x20BF)  # currency signs
    + [0x2113, 0x2116, 0x2117, 0x2120, 0x2122, 0x2126, 0x212E]
    + span(0x2153, 0x215E)
    + [0xFB01, 0xFB02, 0xFFFD]
)

# Signs that Noto Sans leaves to Noto Sans Math: arrows, minus, comparisons.
MATH = span(0x2190, 0x2193) + [0x2202, 0x2206, 0x220F, 0x2211, 0x2212, 0x221A, 0x221E]
MATH += [0x222B, 0x2248, 0x2260, 0x2264, 0x2265]

HAN_AND_KANA = (
    span(0x2E80, 0x2FDF)  # radicals
    + span(0x3000, 0x30FF)
    + span(0x3105, 0x312F)
    + span(0x3190, 0x33FF)
    + span(0x3400, 0x4DBF)
    + span(0x4E00, 0x9FFF)
    + span(0xF900, 0xFAFF)
    + span(0xFF01, 0xFF9F)
    + span(0xFFE0, 0xFFE6)
)

HANGUL = span(0x3131, 0x318E) + span(0xAC00, 0xD7A3)


def add_signs(font, codepoints):
    """Copy simple signs from Noto Sans Math, in its one weight."""
    math = TTFont(TRUETYPE + "noto/NotoSansMath-Regular.ttf")
    assert math["head"].unitsPerEm == font["head"].unitsPerEm
    glyphs, cmap = math.getGlyphSet(), math.getBestCmap()
    order = font.getGlyphOrder()
    for codepoint in codepoints:
        if codepoint in font.getBestCmap():
            continue
        recording = DecomposingRecordingPen(glyphs)
        glyphs[cmap[codepoint]].draw(recording)
        pen = TTGlyphPen(None)
        recording.replay(pen)
        name = "uni%04X" % codepoint
        order.append(name)
        font["glyf"][name] = pen.glyph()
        font["hmtx"][name] = math["hmtx"][cmap[codepoint]]
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap[codepoint] = name
    font.setGlyphOrder(order)


def drop_hints(font):
    for tag in ("fpgm", "prep", "cvt ", "gasp", "GSUB", "GPOS", "GDEF", "DSIG", "vhea", "vmtx"):
        if tag in font:
            del font[tag]
    for name in font.getGlyphOrder():
        font["glyf"][name].removeHinting()


def cut(source, target, codepoints, family, signs=(), packed=False):
    font = TTFont(TRUETYPE + source, recalcTimestamp=False)
    drop_hints(font)
    if signs:
        add_signs(font, signs)
    options = Options()
    options.hinting = False
    options.layout_features = []
    options.name_IDs = [0, 1, 2, 4, 6]
    options.name_languages = [0x409]
    options.notdef_outline = True
    options.glyph_names = False
    options.legacy_cmap = False
    options.recalc_timestamp = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=list(codepoints) + list(signs))
    subsetter.subset(font)
    # Cut faces carry a name of their own: a reserved name may not be used for a changed face.
    style = font["name"].getDebugName(2)
    for record in font["name"].names:
        if record.nameID in (1, 4, 6):
            full = family if record.nameID == 1 else "%s %s" % (family, style)
            record.string = full.replace(" ", "") if record.nameID == 6 else full
    path = os.path.join(HERE, target)
    if not packed:
        font.save(path, reorderTables=True)
    else:
        font.save(path + ".tmp", reorderTables=True)
        with open(path + ".tmp", "rb") as plain, open(path, "wb") as out:
            with gzip.GzipFile("", "wb", 9, out, mtime=0) as zipped:
                zipped.write(plain.read())
        os.remove(path + ".tmp")
    print(target, len(font.getBestCmap()), "characters,", os.path.getsize(path), "bytes")


if __name__ == "__main__":
    cut("noto/NotoSans-Regular.ttf", "regular.ttf", LATIN_GREEK_CYRILLIC, "Receipt Sans", MATH)
    cut("noto/NotoSans-Bold.ttf", "bold.ttf", LATIN_GREEK_CYRILLIC, "Receipt Sans", MATH)
    cut("droid/DroidSansFallbackFull.ttf", "han.ttf.gz", HAN_AND_KANA, "Receipt Han", packed=True)
    cut("nanum/NanumGothic.ttf", "hangul.ttf.gz", HANGUL, "Receipt Hangul", packed=True)
