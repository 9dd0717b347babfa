"""What a forger changes in a signed file: each function alters objects and names them.

A change takes an opened document, an ``Update`` to write into, and a ``random.Random``. Those in
``SHOWN`` or ``MEANT`` alter what people see or what the file does; ``HARMLESS`` ones only describe.
"""

from __future__ import annotations

import pikepdf
from pikepdf import Array, Dictionary, Name, String

BLOT = b"1 1 1 rg 0 0 400 40 re f"
FORGED = b"BT /F 24 Tf /F1 24 Tf 72 700 Td (Quyet dinh so 9) Tj ET"


def put_on(find, key, value):
    """Set one entry of an object."""

    def change(document, update, rng):
        target = find(document)
        made = value(document, update) if callable(value) else value
        target[key] = made
        update.put(target)

    return change


def drop_from(find, key):
    def change(document, update, rng):
        target = find(document)
        if key in target:
            del target[key]
            update.put(target)

    return change


def root(document):
    return document.Root


def page(document):
    return document.pages[0].obj


def tree(document):
    return document.Root.Pages


def new(document, update, item):
    made = document.make_indirect(item)
    update.put(made)
    return made


def blot(document, update):
    stream = document.make_stream(BLOT)
    stream.Type, stream.Subtype = Name.XObject, Name.Form
    stream.BBox = Array([0, 0, 400, 40])
    update.put(stream)
    return stream


def script(document, update):
    return new(document, update, Dictionary(S=Name.JavaScript, JS=String("app.alert(1)")))


def fields_of(document, kind):
    form = document.Root.get("/AcroForm")
    fields = [] if form is None else list(form.get("/Fields", []))
    return [f for f in fields if f.get("/FT") == kind]


def signature_field(document):
    return fields_of(document, Name.Sig)[0]


def signature_value(document):
    return signature_field(document).V


def text_field(document):
    return fields_of(document, Name.Tx)[0]


def default_layers(document):
    return document.Root.OCProperties.D


# ------------------------------------------------------------------ pages


def other_words(document, update, rng):
    stream = document.make_stream(FORGED)
    update.put(stream)
    page(document).Contents = stream
    update.put(page(document))


def other_words_in_place(document, update, rng):
    page(document).Contents.write(FORGED)
    update.put(page(document).Contents)


def words_on_top(document, update, rng):
    stream = document.make_stream(b"1 1 1 rg 60 690 400 40 re f")
    update.put(stream)
    page(document).Contents = Array([page(document).Contents, stream])
    update.put(page(document))


def other_font(document, update, rng):
    font = next(iter(page(document).Resources.Font.as_dict().values()))
    font.Encoding = Dictionary(Differences=Array([53, Name("/nine")]))
    update.put(font)


def other_form(document, update, rng):
    form = page(document).Resources.XObject.Bang
    form.write(BLOT)
    update.put(form)


def pages_in_another_order(document, update, rng):
    kids = list(tree(document).Kids)
    tree(document).Kids = Array(reversed(kids) if len(kids) > 1 else [*kids, *kids])
    update.put(tree(document))


def one_page_less(document, update, rng):
    tree(document).Kids = Array(list(tree(document).Kids)[:1])
    tree(document).Count = 1
    update.put(tree(document))


def another_catalog(document, update, rng):
    copy = Dictionary(document.Root)
    copy.Pages = _copied_tree(document, update)
    made = new(document, update, copy)
    update.root = b"%d %d R" % made.objgen


def another_tree(document, update, rng):
    document.Root.Pages = _copied_tree(document, update)
    update.put(document.Root)


def _copied_tree(document, update):
    stream = document.make_stream(FORGED)
    update.put(stream)
    leaf = Dictionary(page(document))
    leaf.Contents = stream
    made = document.make_indirect(leaf)
    above = new(document, update, Dictionary(Type=Name.Pages, Kids=Array([made]), Count=1))
    made.Parent = above
    update.put(made)
    return above


def note(kind, flags=4, **more):
    def change(document, update, rng):
        made = Dictionary(
            Type=Name.Annot,
            Subtype=Name("/" + kind),
            Rect=Array([60, 690, 460, 730]),
            F=flags,
            AP=Dictionary(N=blot(document, update)),
            **more,
        )
        place = page(document)
        listed = list(place.get("/Annots", []))
        place.Annots = Array([*listed, new(document, update, made)])
        update.put(place)

    return change


def note_taken_away(document, update, rng):
    place = page(document)
    place.Annots = Array(list(place.Annots)[1:])
    update.put(place)


def first_note(key, value):
    def change(document, update, rng):
        target = page(document).Annots[0]
        target[key] = value
        update.put(target)

    return change


def twin_entries(find, key, make):
    """An entry twice in one dictionary, one of them spelled in another way or in a comment."""

    def change(document, update, rng):
        target = find(document)
        update.put(target)
        value = b"%d %d R" % make(document, update).objgen
        name = key.encode()
        spelled = name[:2] + b"#%02x" % name[2] + name[3:]
        body = update.objects[target.objgen]
        head, tail = body[: body.index(b"<<") + 2], body[body.index(b"<<") + 2 :]
        last = tail.rindex(b">>")
        twins = [
            head + name + b" " + value + tail,
            head + tail[:last] + name + b" " + value + tail[last:],
            head + spelled + b" " + value + tail,
            head + tail[:last] + spelled + b" " + value + tail[last:],
            head + b"%x\r" + name + b" " + value + b" %\n" + tail,
            head + tail[:last] + b"%x\r" + name + b" " + value + b"\n" + tail[last:],
        ]
        update.objects[target.objgen] = rng.choice(twins)

    return change


def forged_text(document, update):
    stream = document.make_stream(FORGED)
    update.put(stream)
    return stream


def no_notes(document, update):
    return new(document, update, Array([]))


SHOWN = {
    "twin pages": twin_entries(root, "/Pages", _copied_tree),
    "twin form": twin_entries(
        root, "/AcroForm", lambda d, u: new(d, u, Dictionary(Fields=Array([])))
    ),
    "twin layers": twin_entries(root, "/OCProperties", no_notes),
    "twin contents": twin_entries(page, "/Contents", forged_text),
    "twin notes": twin_entries(page, "/Annots", no_notes),
    "twin pictures": twin_entries(
        signature_field, "/AP", lambda d, u: new(d, u, Dictionary(N=blot(d, u)))
    ),
    "twin values": twin_entries(text_field, "/V", no_notes),
    "twin kids": twin_entries(tree, "/Kids", no_notes),
    "other words": other_words,
    "other words in place": other_words_in_place,
    "words on top": words_on_top,
    "another font": other_font,
    "another drawn form": other_form,
    "another page order": pages_in_another_order,
    "one page less": one_page_less,
    "another catalog": another_catalog,
    "another tree": another_tree,
    "a turned page": put_on(page, "/Rotate", 90),
    "turned from above": put_on(tree, "/Rotate", 180),
    "a larger unit": put_on(page, "/UserUnit", 2),
    "a cut page": put_on(page, "/CropBox", Array([0, 0, 595, 400])),
    "another sheet": put_on(page, "/MediaBox", Array([0, 400, 595, 842])),
    "a square": note("Square"),
    "free text": note("FreeText"),
    "a stamp": note("Stamp"),
    "a highlight": note("Highlight"),
    "a redaction": note("Redact"),
    "a watermark": note("Watermark"),
    "a link": note("Link"),
    "a bare widget": note("Widget"),
    "a widget of a button": note("Widget", FT=Name.Btn, T=String("nut")),
    "a signature widget": note("Widget", FT=Name.Sig, T=String("gia")),
    "a print-only square": note("Square", flags=36),
    "a screen-only square": note("Square", flags=0),
    "a hidden square": note("Square", flags=2),
    "a note taken away": note_taken_away,
    "a note moved": first_note("/Rect", Array([60, 690, 200, 730])),
    "a note hidden": first_note("/F", 2),
    "a field's other value": put_on(text_field, "/V", String("999")),
    "a field's other picture": put_on(text_field, "/AP", lambda d, u: Dictionary(N=blot(d, u))),
    "a field moved": put_on(text_field, "/Rect", Array([72, 690, 300, 730])),
    "a field's caption": put_on(text_field, "/MK", Dictionary(CA=String("999"))),
    "layers off": put_on(default_layers, "/BaseState", Name.OFF),
    "a layer off": put_on(
        default_layers, "/OFF", lambda d, u: Array([d.Root.OCProperties.OCGs[0]])
    ),
    "no layers": drop_from(root, "/OCProperties"),
    "the signature's other picture": put_on(
        signature_field, "/AP", lambda d, u: Dictionary(N=blot(d, u))
    ),
    "the signature moved": put_on(signature_field, "/Rect", Array([60, 690, 460, 730])),
    "the signature hidden": put_on(signature_field, "/F", 2),
    "the signature field gone": put_on(lambda d: d.Root.AcroForm, "/Fields", Array([])),
    "fields drawn anew": put_on(lambda d: d.Root.AcroForm, "/NeedAppearances", True),
    "the form's other font": put_on(lambda d: d.Root.AcroForm, "/DA", String("/Helv 4 Tf 1 g")),
    "another writing side": put_on(lambda d: d.Root.AcroForm, "/Q", 2),
}


# ------------------------------------------------------------------ what the file does or says


def kid_of_the_signature(document, update, rng):
    """A second widget of the signed field, where the number of the decision stands."""
    field = signature_field(document)
    kid = Dictionary(Type=Name.Annot, Subtype=Name.Widget, Rect=Array([60, 690, 460, 730]), F=4,
                     Parent=field, AP=Dictionary(N=blot(document, update)))  # fmt: skip
    made = new(document, update, kid)
    field.Kids = Array([made])
    page(document).Annots = Array([*page(document).get("/Annots", []), made])
    update.put(field)
    update.put(page(document))


def second_field_of_the_signature(document, update, rng):
    """Another field that shows the same signature value somewhere else."""
    field = Dictionary(signature_field(document))
    field.T, field.Rect = String("Thu truong"), Array([60, 690, 460, 730])
    field.AP = Dictionary(N=blot(document, update))
    made = new(document, update, field)
    form = document.Root.AcroForm
    form.Fields = Array([*form.Fields, made])
    page(document).Annots = Array([*page(document).get("/Annots", []), made])
    update.put(page(document))
    update.put(form if form.is_indirect else document.Root)


def value_elsewhere(document, update, rng):
    """The signature dictionary copied under a new number, with another reason."""
    copy = Dictionary(signature_value(document))
    copy.Reason = String("Khong dong y")
    signature_field(document).V = new(document, update, copy)
    update.put(signature_field(document))


def foreign_store(document, update, rng):
    store = document.Root.get("/DSS", Dictionary())
    store.Certs = Array([blot(document, update)])
    document.Root.DSS = store
    update.put(store if store.is_indirect else document.Root)


MEANT = {
    "a script at opening": put_on(root, "/OpenAction", script),
    "a script in names": put_on(
        root,
        "/Names",
        lambda d, u: Dictionary(JavaScript=Dictionary(Names=Array([String("a"), script(d, u)]))),
    ),
    "a script at closing": put_on(root, "/AA", lambda d, u: Dictionary(WC=script(d, u))),
    "a page's action": put_on(page, "/AA", lambda d, u: Dictionary(O=script(d, u))),
    "an outline": put_on(
        lambda d: d.Root.Outlines,
        "/First",
        lambda d, u: new(d, u, Dictionary(Title=String("Khac"), Parent=d.Root.Outlines)),
    ),
    "outlines": put_on(root, "/Outlines", lambda d, u: new(d, u, Dictionary(Count=0))),
    "a thread": put_on(root, "/Threads", Array([])),
    "a bead": put_on(page, "/B", Array([])),
    "viewer preferences": put_on(root, "/ViewerPreferences", Dictionary(HideMenubar=True)),
    "page labels": put_on(
        root, "/PageLabels", Dictionary(Nums=Array([0, Dictionary(P=String("X"))]))
    ),
    "a page mode": put_on(root, "/PageMode", Name.FullScreen),
    "a base address": put_on(root, "/URI", Dictionary(Base=String("http://x.invalid/"))),
    "a collection": put_on(root, "/Collection", Dictionary(View=Name.D)),
    "an attachment": put_on(
        root,
        "/Names",
        lambda d, u: Dictionary(
            EmbeddedFiles=Dictionary(
                Names=Array([String("a"), new(d, u, Dictionary(Type=Name.Filespec, F=String("a")))])
            )
        ),
    ),
    "another file": put_on(
        root, "/AF", lambda d, u: Array([new(d, u, Dictionary(Type=Name.Filespec))])
    ),
    "requirements": put_on(root, "/Requirements", Array([Dictionary(S=Name.EnableJavaScripts)])),
    "drawn by a script": put_on(root, "/NeedsRendering", True),
    "an XML form": put_on(lambda d: d.Root.AcroForm, "/XFA", blot),
    "an order of sums": put_on(lambda d: d.Root.AcroForm, "/CO", Array([])),
    "an output intent": put_on(root, "/OutputIntents", Array([Dictionary(S=Name.GTS_PDFX)])),
    "a structure": put_on(
        root, "/StructTreeRoot", lambda d, u: new(d, u, Dictionary(Type=Name.StructTreeRoot))
    ),
    "a language": put_on(root, "/Lang", String("xx")),
    "page pieces": put_on(page, "/PieceInfo", Dictionary()),
    "page transition": put_on(page, "/Trans", Dictionary(S=Name.Wipe)),
    "page display time": put_on(page, "/Dur", 1),
    "tab order": put_on(page, "/Tabs", Name.S),
    "usage rights": put_on(root, "/Perms", lambda d, u: Dictionary(UR3=signature_value(d))),
    "permissions": put_on(root, "/Perms", lambda d, u: Dictionary(DocMDP=signature_value(d))),
    "permissions gone": drop_from(root, "/Perms"),
    "the form gone": drop_from(root, "/AcroForm"),
    "the store gone": drop_from(root, "/DSS"),
    "a legal note": put_on(root, "/Legal", Dictionary(JavaScriptActions=0)),
    "extensions": put_on(
        root, "/Extensions", Dictionary(X=Dictionary(BaseVersion=Name("/1.7"), ExtensionLevel=9))
    ),
    "a version": put_on(root, "/Version", Name("/2.0")),
    "a layer's name": put_on(lambda d: d.Root.OCProperties.OCGs[0], "/Name", String("X")),
    "a layer hidden in print": put_on(
        lambda d: d.Root.OCProperties.OCGs[0],
        "/Usage",
        Dictionary(Print=Dictionary(PrintState=Name.OFF)),
    ),
    "the signer's other name": put_on(signature_value, "/Name", String("Tran Van Khac")),
    "the signature's other time": put_on(signature_value, "/M", String("D:20200101000000Z")),
    "the signature's other reason": put_on(signature_value, "/Reason", String("Khong dong y")),
    "a wider range": put_on(signature_value, "/ByteRange", Array([0, 0, 0, 0])),
    "another handler": put_on(signature_value, "/SubFilter", Name("/adbe.pkcs7.sha1")),
    "a signature's other kind": put_on(signature_value, "/Type", Name.DocTimeStamp),
    "a signature's properties": put_on(signature_value, "/Prop_Build", Dictionary()),
    "a value elsewhere": value_elsewhere,
    "the signature's field renamed": put_on(signature_field, "/T", String("Khac")),
    "the signature's tooltip": put_on(signature_field, "/TU", String("Khac")),
    "a lock": put_on(signature_field, "/Lock", Dictionary(Type=Name.SigFieldLock, Action=Name.All)),
    "a seed": put_on(signature_field, "/SV", Dictionary(Type=Name.SV)),
    "a field's action": put_on(signature_field, "/AA", lambda d, u: Dictionary(E=script(d, u))),
    "a click on the signature": put_on(signature_field, "/A", script),
    "a click on the field": put_on(text_field, "/A", script),
    "a field's other default": put_on(text_field, "/DV", String("9")),
    "a field's flags": put_on(text_field, "/Ff", 1),
    "a field's name": put_on(text_field, "/T", String("Khac")),
    "a signature's new widget": kid_of_the_signature,
    "a signature shown twice": second_field_of_the_signature,
    "a foreign store": foreign_store,
    "encryption": lambda d, u, r: setattr(
        u, "trailer", b"/Encrypt<</Filter/Standard/V 1/R 2/P -4>>"
    ),
    "a freed page": lambda d, u, r: setattr(u, "freed", (page(d).objgen[0],)),
    "a freed text": lambda d, u, r: setattr(u, "freed", (page(d).Contents.objgen[0],)),
    "a freed field": lambda d, u, r: setattr(u, "freed", (signature_field(d).objgen[0],)),
    "a freed value": lambda d, u, r: setattr(u, "freed", (signature_value(d).objgen[0],)),
    "a freed catalog": lambda d, u, r: setattr(u, "freed", (d.Root.objgen[0],)),
}


def title(document, update, rng):
    made = new(document, update, Dictionary(Title=String("Khac")))
    update.trailer = b"/Info %d %d R" % made.objgen


def metadata(document, update, rng):
    stream = document.make_stream(b"<x/>")
    stream.Type, stream.Subtype = Name.Metadata, Name.XML
    update.put(stream)
    document.Root.Metadata = stream
    update.put(document.Root)


HARMLESS = {"a title": title, "metadata": metadata}
CHANGES = {**SHOWN, **MEANT, **HARMLESS}
LOST = (AttributeError, IndexError, KeyError, TypeError, ValueError, pikepdf.PdfError)


def made(pdf, name, update, document, rng):
    """Apply a change; False where the file has nothing of the kind."""
    try:
        CHANGES[name](document, update, rng)
    except LOST:
        return False
    return not update.is_empty
