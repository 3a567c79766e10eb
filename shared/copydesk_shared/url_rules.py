"""What in a URL does not say which page it is: tables for :func:`copydesk_shared.identity.canonical_url`."""

import re

# Campaigns and click identifiers, in lower case.
TRACKING_PREFIXES = (
    "utm_", "mc_", "at_", "ns_", "pk_", "mtm_", "hsa_", "_hs", "__hs", "vero_", "oly_", "trk_", "matomo_", "piwik_",
    "itm_", "guce_", "aspsessionid", "amp_js_", "fb_action_", "_branch_", "elqtrack", "__cft__",
)  # fmt: skip
TRACKING_PARAMETERS = frozenset(
    (
        # Search engines and networks
        "fbclid gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid srsltid msclkid twclid yclid ysclid ttclid "
        "igshid igsh mibextid li_fat_id epik rdt_cid sccid irclickid irgwc cjevent s_kwcid ef_id _gl _ga ymclid "
        "wickedid zanpid tblci dicbo obclid vmcid oborigurl fb_source fb_ref __tn__ sfnsn xmt "
        # Newsletters
        "mkt_tok dm_i elqaid elqat elqcampaignid sc_src sc_lid sc_uid sc_llid sc_eh vgo_ee ml_subscriber "
        "ml_subscriber_hash _kx __s ck_subscriber_id bbeml rb_clickid sfmc_id sfmc_sub "
        # Publishers and analytics
        "s_cid cmp cmpid icid ocid mbid smid smtyp spm cvid ftag ftcamp taid xtor xtref wt_mc wt_zmc wprov ncid tpcc "
        "intcid intcmp ito sr_share soc_src soc_trk feedname feedtype ref_src ref_url guccounter __twitter_impression "
        "traffic_source wpmobileexternal wpisrc wpmm wpswitch "
        # AMP viewers and sessions
        "amp_gsa amp_kit usqp _amp __amp __amp_source_origin phpsessid jsessionid"
    ).split(),
)
# What is left before a name when a feed has escaped "&" twice.
ESCAPED_TWICE = "amp;"
# Parameters that mean nothing with these values, and with none other.
TRACKING_VALUES = {
    "amp": frozenset(("", "1", "true", "amp", "yes")),
    "isamp": frozenset(("", "1", "true", "yes")),
    **dict.fromkeys(
        ("output", "outputtype", "view", "type", "format", "template", "layout", "service"), frozenset(("amp",))
    ),
    **dict.fromkeys(("ref", "source", "src", "from", "via", "partner", "cid", "mod"), frozenset(("rss", "rssfeed"))),
}

# Copies of AMP pages: the original's host and path follow, ``s/`` meaning https.
AMP_CACHES = (
    re.compile(r"https?://[^/?#]*\.cdn\.ampproject\.org/[cv]/(s/)?([^?#]+)", re.IGNORECASE),
    re.compile(r"https?://[^/?#]*\.bing-amp\.com/[cv]/(s/)?([^?#]+)", re.IGNORECASE),
    re.compile(r"https?://(?:www\.)?google\.[a-z.]{2,6}/amp/(s/)?([^?#]+)", re.IGNORECASE),
)
HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]+(?::\d{1,5})?", re.IGNORECASE)
SESSION_PATH = re.compile(r";jsessionid=[^/;]*", re.IGNORECASE)
# The AMP page of a story is "<story>/amp" or "<story>.amp.html". It counts as one where the segment before is plainly a
# story: three words, a number of four digits or a file. "/tags/amp" is a page of its own.
AMP_SEGMENTS = frozenset(("amp", "amp.html", "amp.htm"))
AMP_FILE = re.compile(r"(?:\.amp)+(\.html?)$", re.IGNORECASE)
NUMBER = re.compile(r"\d{4}")


def is_story(segment: str) -> bool:
    """Whether a segment of a path names a story rather than a section."""
    return segment.count("-") > 1 or bool(NUMBER.search(segment)) or segment.lower().endswith((".html", ".htm"))
