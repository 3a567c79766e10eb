"""Which language codes there are: those of two letters (ISO 639-1), which articles have, and what is taken for them."""

from difflib import get_close_matches

SHORT = 2
NEAR = 0.5
# Each code with those of three letters that mean the same (ISO 639-2). Languages that have no code of two letters keep
# theirs of three, of which there are thousands.
_TABLE = """
aa aar/ab abk/ae ave/af afr/ak aka/am amh/an arg/ar ara/as asm/av ava/ay aym/az aze/ba bak/be bel/bg bul/bi bis/bm bam
bn ben/bo bod tib/br bre/bs bos/ca cat/ce che/ch cha/co cos/cr cre/cs ces cze/cu chu/cv chv/cy cym wel/da dan
de deu ger/dv div/dz dzo/ee ewe/el ell gre/en eng/eo epo/es spa/et est/eu eus baq/fa fas per/ff ful/fi fin/fj fij
fo fao/fr fra fre/fy fry/ga gle/gd gla/gl glg/gn grn/gu guj/gv glv/ha hau/he heb/hi hin/ho hmo/hr hrv/ht hat/hu hun
hy hye arm/hz her/ia ina/id ind/ie ile/ig ibo/ii iii/ik ipk/io ido/is isl ice/it ita/iu iku/ja jpn/jv jav/ka kat geo
kg kon/ki kik/kj kua/kk kaz/kl kal/km khm/kn kan/ko kor/kr kau/ks kas/ku kur/kv kom/kw cor/ky kir/la lat/lb ltz/lg lug
li lim/ln lin/lo lao/lt lit/lu lub/lv lav/mg mlg/mh mah/mi mri mao/mk mkd mac/ml mal/mn mon/mr mar/ms msa may/mt mlt
my mya bur/na nau/nb nob/nd nde/ne nep/ng ndo/nl nld dut/nn nno/no nor/nr nbl/nv nav/ny nya/oc oci/oj oji/om orm/or ori
os oss/pa pan/pi pli/pl pol/ps pus/pt por/qu que/rm roh/rn run/ro ron rum/ru rus/rw kin/sa san/sc srd/sd snd/se sme
sg sag/sh hbs/si sin/sk slk slo/sl slv/sm smo/sn sna/so som/sq sqi alb/sr srp/ss ssw/st sot/su sun/sv swe/sw swa/ta tam
te tel/tg tgk/th tha/ti tir/tk tuk/tl tgl/tn tsn/to ton/tr tur/ts tso/tt tat/tw twi/ty tah/ug uig/uk ukr/ur urd/uz uzb
ve ven/vi vie/vo vol/wa wln/wo wol/xh xho/yi yid/yo yor/za zha/zh zho chi/zu zul
"""
_LONG = {
    long: short for short, *others in map(str.split, _TABLE.replace("\n", "/").split("/")[1:-1]) for long in others
}
CODES = frozenset(_LONG.values())
# Countries whose code is taken for that of their language; codes that were withdrawn.
_MEANT = dict(
    pair.split("-")
    for pair in (
        "ua-uk gb-en us-en au-en at-de cz-cs dk-da jp-ja cn-zh tw-zh gr-el by-be rs-sr il-he ir-fa kz-kk mx-es vn-vi "
        "in-id ge-ka al-sq iw-he ji-yi mo-ro"
    ).split()
    if pair.split("-")[0] not in CODES
)


def mistake_in(code: str) -> str | None:
    """What is wrong with a code of two or three small letters, if anything, with the one that may have been meant."""
    if code in _LONG:
        return f"{code!r} is written {_LONG[code]!r}"
    if len(code) > SHORT or code in CODES:
        return None
    near = _MEANT.get(code) or next(iter(get_close_matches(code, sorted(CODES), n=1, cutoff=NEAR)), "")
    return f"no language has the code {code!r}{f'; {near!r} is near' if near else ''}"
