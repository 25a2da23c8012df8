"""Sources of the artwork of `training.assets`: packages, their files, and pictures with clocks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PhotoSource:
    """Photographs in a Debian package or a wheel; `files` are `fnmatch` patterns on the path."""

    package: str
    files: tuple[str, ...]
    wheel: bool = False


PHOTO_SOURCES = (
    PhotoSource("gcompris-qt-data", ("*.rcc",)),
    PhotoSource("lomiri-wallpapers-16.04", ("*/backgrounds/*.jpg",)),
    PhotoSource("lomiri-wallpapers-20.04", ("*/backgrounds/*.jpg",)),
    PhotoSource("lxqt-themes", ("*/wallpapers/*.jpg", "*/wallpapers/*.png")),
    PhotoSource("mate-backgrounds", ("*/abstract/*", "*/nature/*")),
    PhotoSource(
        "opencv-doc",
        (
            "*/examples/data/*.jpg",
            "*/examples/data/*.png",
            "*/examples/[afhrtx]*/*.jpg",
            "*/dnn_superres/*.png",
        ),
    ),
    PhotoSource("palapeli-data", ("*/palapeli/*.jpg",)),
    PhotoSource("plasma-workspace-wallpapers", ("*/images*/*.jpg", "*/images*/*.png")),
    PhotoSource("puzzle-jigsaw", ("*/samples/*.jpg", "*/images/table.png")),
    PhotoSource("scikit-image", ("skimage/data/*.png", "skimage/data/*.jpg"), wheel=True),
    PhotoSource("scikit-learn", ("sklearn/datasets/images/*.jpg",), wheel=True),
    PhotoSource("ukui-wallpapers", ("*/backgrounds/*.jpg", "*/backgrounds/*.png")),
)

# Cut-out and drawn objects, which a finder must not detect; `assets.kept_for_testing` keeps half of
# them from training.
OBJECT_SOURCES = (PhotoSource("tuxpaint-stamps-default", ("*/stamps/*.png",)),)
NOT_OBJECT_NAMES = ("*_mirror.png", "*_flip.png", "*_mirror_flip.png")

# File names of pictures with a clock or watch face in them, or of activities made of such pictures.
CLOCK_NAMES = ("*clock*", "*chronos*", "*watch*", "*time*")

# The same, found by eye on the contact sheets: first 12 digits of the file's sha256.
CLOCK_IMAGES = frozenset(
    {
        "6605f1dd5519",  # painted church with tower clocks
        "91be8dd19821",  # castle with a clock tower
        "a657a2139787",  # gate with clocks over its arches
        "ce4d535bc04f",  # painted café with a wall clock
        "e7b20e2db9dc",  # wall clock seen from the side, in a wallpaper whose name does not say so
    }
)

# Test patterns, logos, cut-outs, and near-copies of an image that is kept.
NOT_PHOTO_NAMES = (
    "*/aloegt.png", "*/babyshapes.rcc*", "*/blender_*", "*/chessboard*", "*/color.png",
    "*/detect_blob.png", "*/digits.png", "*/ellipses.jpg", "*/gradient.png", "*/horse.png",
    "*/imagetext?.png", "*/left0[2-9].jpg", "*/left1?.jpg", "*logo*", "*/microaneurysms.png",
    "*/phantom.png", "*/pic?.png", "*/plasma_arch.png", "*/right0?.jpg", "*/right1?.jpg",
    "*/retina.jpg", "*/images_dark/*", "*/1080x1920.*", "*/1622x2880.*", "*/720x1440.*",
)  # fmt: skip
NOT_PHOTO_IMAGES = frozenset({"1cfd6ed86fc5", "f7b77a47db46"})  # tables of characters

# Typefaces for every kind of dial, few of each family, so that no family outweighs the others.
FONT_FILES: dict[str, tuple[str, ...]] = {
    "fonts-adf-accanthis": ("AccanthisADFStd-Bold.otf",),
    "fonts-adf-baskervald": ("BaskervaldADFStd-Heavy.otf",),
    "fonts-adf-gillius": ("GilliusADF-Regular.otf", "GilliusADF-BoldCond.otf"),
    "fonts-adf-irianis": ("IrianisADFStyleStd-Regular.otf",),
    "fonts-adf-mekanus": ("MekanusADFStd-Bold.otf", "MekanusADFTitlingStd-Regular.otf"),
    "fonts-adf-oldania": ("OldaniaADFStd-Bold.otf",),
    "fonts-adf-romande": ("RomandeADFStyleStd-DemiBold.otf", "RomandeADFScriptStd-Italic.otf"),
    "fonts-adf-switzera": (
        "SwitzeraADF-ExtraBold.otf",
        "SwitzeraADF-LightCond.otf",
        "SwitzeraADF-BoldExt.otf",
    ),
    "fonts-adf-tribun": ("TribunADFStd-CondItalic.otf",),
    "fonts-adf-universalis": ("UniversalisADFStd-BoldCond.otf", "UniversalisADFStd-Regular.otf"),
    "fonts-adf-verana": ("VeranaSans-Bold.otf", "Verana-Regular.otf"),
    "fonts-allerta": ("allerta_stencil.otf",),
    "fonts-arapey": ("Arapey-Black-Display.otf", "Arapey-Thin-Display.otf"),
    "fonts-averia-serif-gwf": ("AveriaSerifGWF-Bold.ttf",),
    "fonts-b612": ("B612-Regular.otf",),
    "fonts-bebas-neue": ("BebasNeue-Bold.otf", "BebasNeue-Thin.otf"),
    "fonts-breip": ("Breip.ttf",),
    "fonts-cabinsketch": ("CabinSketch-Bold.ttf",),
    "fonts-campania": ("Campania.otf",),
    "fonts-century-catalogue": ("Century-Catalogue.ttf",),
    "fonts-cherrybomb": ("CherryBomb-Regular.otf",),
    "fonts-comfortaa": ("Comfortaa-Bold.ttf", "Comfortaa-Light.ttf"),
    "fonts-comic-neue": ("ComicNeue-Bold.otf",),
    "fonts-courier-prime": ("Courier Prime Bold.otf",),
    "fonts-crosextra-caladea": ("Caladea-Regular.ttf",),
    "fonts-dancingscript": ("DancingScript-Bold.otf",),
    "fonts-dejavu-core": ("DejaVuSans-Bold.ttf", "DejaVuSerif.ttf"),
    "fonts-dosis": ("Dosis-Medium.otf",),
    "fonts-dustin": ("Domestic_Manners.ttf", "Dustismo_Roman_Bold.ttf", "El_Abogado_Loco.ttf"),
    "fonts-ebgaramond": ("EBGaramond12-Regular.otf",),
    "fonts-essays1743": ("Essays1743-Bold.ttf",),
    "fonts-eurofurence": ("eurof75.ttf", "eurof36.ttf"),
    "fonts-georgewilliams": ("Caliban.ttf", "Caslon-Black.ttf", "Cupola.ttf"),
    "fonts-gfs-didot": ("GFSDidot.otf", "GFSDidotBold.otf"),
    "fonts-gnutypewriter": ("GNUTypewriter.ttf",),
    "fonts-gotico-antiqua": ("Hamlet-Tertia18.otf",),
    "fonts-goudybookletter": ("GoudyBookletter1911.otf",),
    "fonts-havana": ("Havana-Regular.otf",),
    "fonts-humor-sans": ("Humor-Sans.ttf",),
    "fonts-isabella": ("Isabella.ttf",),
    "fonts-jura": ("Jura-Bold.otf", "Jura-Light.otf"),
    "fonts-kaushanscript": ("KaushanScript-Regular.otf",),
    "fonts-klaudia-berenika": ("Klaudia-Bold.ttf",),
    "fonts-kristi": ("Kristi.ttf",),
    "fonts-league-spartan": ("LeagueSpartan-Black.otf", "LeagueSpartan-Light.otf"),
    "fonts-leckerli-one": ("LeckerliOne-Regular.ttf",),
    "fonts-lemonada": ("Lemonada-Regular.otf",),
    "fonts-liberation2": (
        "LiberationSans-Regular.ttf",
        "LiberationSans-Bold.ttf",
        "LiberationSerif-Bold.ttf",
    ),
    "fonts-linuxlibertine": ("LinLibertine_RZ.otf", "LinBiolinum_R.otf"),
    "fonts-lobster": ("lobster.otf",),
    "fonts-manrope": ("Manrope-SemiBold.ttf",),
    "fonts-national-park": ("NationalPark-Heavy.otf", "NationalPark-Outline.otf"),
    "fonts-ocr-b": ("OCRB.otf",),
    "fonts-oldstandard": ("OldStandard-Bold.ttf",),
    "fonts-opendin": ("OSP-DIN.ttf",),
    "fonts-play": ("Play-Bold.otf",),
    "fonts-quicksand": ("Quicksand-Regular.ttf",),
    "fonts-rampart": ("RampartOne-Regular.ttf",),
    "fonts-reggae": ("ReggaeOne-Regular.ttf",),
    "fonts-roadgeek": ("RG2014C.ttf", "RG2014EEM.ttf"),
    "fonts-roboto-slab": ("RobotoSlab-Bold.otf", "RobotoSlab-Light.otf"),
    "fonts-rufscript": ("Rufscript010.ttf",),
    "fonts-sjfonts": ("Delphine.ttf", "SteveHand.ttf"),
    "fonts-solide-mirage": ("SolideMirageEtroit.otf",),
    "fonts-summersby": ("summersby.ttf",),
    "fonts-texgyre": (
        "texgyreadventor-regular.otf",
        "texgyreadventor-bold.otf",
        "texgyrebonum-bold.otf",
        "texgyrechorus-mediumitalic.otf",
        "texgyreheroscn-bold.otf",
        "texgyrepagella-regular.otf",
        "texgyreschola-bold.otf",
    ),
    "fonts-tomsontalks": ("TomsonTalks.ttf",),
    "fonts-ubuntu-title": ("Ubuntu-Title.ttf",),
    "fonts-vollkorn": ("Vollkorn-Black.ttf",),
    "fonts-yanone-kaffeesatz": ("YanoneKaffeesatz-Bold.otf", "YanoneKaffeesatz-Light.otf"),
}
