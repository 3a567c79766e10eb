"""Words that photo credits are made of. Tables, sorted; nothing here decides anything."""

# Picture agencies and outlets that stand alone as a credit: "(Reuters)". Lower case.
AGENCIES = frozenset(
    line.strip()
    for line in """
    aap
    abaca
    actionpress
    adobe stock
    aflo
    afp
    afp photo
    agence france-presse
    agencia efe
    alamy
    alamy live news
    alamy stock photo
    anadolu
    anadolu agency
    anp
    ansa
    antara
    anthony blunt collection
    ap
    ap photo
    ap images
    apa
    associated press
    the associated press
    avalon
    backgrid
    belga
    bloomberg
    bild
    bridgeman images
    camera press
    canadian press
    the canadian press
    capital pictures
    corbis
    cover images
    cp
    ctk
    depositphotos
    depo photos
    dpa
    dpa picture-alliance
    dreamstime
    eyevine
    efe
    epa
    epa-efe
    epa/efe
    eyepix
    flickr
    gc images
    getty
    getty creative
    getty image
    getty images
    getty images europe
    getty images/istockphoto
    global images ukraine
    handout
    hulton archive
    icon sportswire
    ians
    ihlas
    imago
    imago images
    instarimages
    interfax
    istock
    istockphoto
    itar-tass
    jiji
    jiji press
    keystone
    kena betancur
    kyodo
    kyodo news
    laif
    lapresse
    lightrocket
    lusa
    magnum
    magnum photos
    mega
    middle east images
    newscom
    nordphoto
    ntb
    ntb scanpix
    nurphoto
    pa
    pa archive
    pa images
    pa media
    pa wire
    panos
    panos pictures
    pap
    photonews
    photoshot
    picture alliance
    picture-alliance
    planetpix
    polaris
    pool
    popperfoto
    press association
    profimedia
    pti
    quality sport images
    redux
    reuters
    rex
    rex features
    rex/shutterstock
    ria novosti
    ritzau scanpix
    scanpix
    science photo library
    scope features
    shutterstock
    sipa
    sipa press
    sipa usa
    solent news
    solo syndication
    sopa images
    south west news service
    splash
    splash news
    sputnik
    storyful
    story picture agency
    swns
    tass
    the image direct
    the mega agency
    topfoto
    tt
    tt news agency
    ukrinform
    unsplash
    upi
    usa today sports
    usa today sports images
    usa today network
    us navy
    viewpress
    wenn
    wireimage
    wire image
    xinhua
    xposure
    youngs media
    zuma
    zuma press
    zuma wire
    """.splitlines()
    if line.strip()
)

# Outlets that follow a name and a slash, "(Mohamed El Saife/CBC)", but mean the outlet itself when they stand alone.
OUTLETS = frozenset(
    line.strip()
    for line in """
    abc
    abc news
    al jazeera
    bbc
    bbc news
    business insider
    cbc
    cbc news
    cbs
    cbs news
    chicago tribune
    cnbc
    cnn
    daily mail
    daily mirror
    daily star
    espn
    fox news
    global news
    itv
    los angeles times
    maxar
    maxar technologies
    metro.co.uk
    mirrorpix
    nasa
    nbc
    nbc news
    news corp australia
    news uk
    npr
    planet labs
    postmedia
    postmedia news
    regionalhub
    rest of world
    rt
    sky
    sky news
    sky sports
    the athletic
    the denver post
    the globe and mail
    the guardian
    the independent
    the new york times
    the sun
    the telegraph
    the times
    the wall street journal
    the washington post
    usa today
    voa
    western mail
    """.splitlines()
    if line.strip()
)

# Social networks and suppliers: "(Instagram)", "(Supplied)", "(stock image)".
SUPPLIERS = frozenset(
    line.strip()
    for line in """
    archive
    archive image
    archive photo
    courtesy photo
    facebook
    facebook screengrab
    file
    file image
    file photo
    file pic
    file picture
    handout
    handout photo
    instagram
    library image
    linkedin
    provided
    screen grab
    screengrab
    screenshot
    stock
    stock image
    stock photo
    stock picture
    submitted
    supplied
    supplied image
    supplied photo
    telegram
    tiktok
    twitter
    undated handout
    via facebook
    via instagram
    via twitter
    via x
    weibo
    x/twitter
    youtube
    youtube screengrab
    """.splitlines()
    if line.strip()
)

# What stands before the colon: (label, language).
LABELS = (
    ("alamy", "en"),
    ("bild", "de"),
    ("bildnachweis", "de"),
    ("copyright", "en"),
    ("cover image", "en"),
    ("credit", "en"),
    ("credits", "en"),
    ("crédit", "fr"),
    ("crédit photo", "fr"),
    ("crédito", "pt"),
    ("crédits", "fr"),
    ("file image", "en"),
    ("file photo", "en"),
    ("file picture", "en"),
    ("fot.", "pl"),
    ("foto", "de"),
    ("foto/credit", "nl"),
    ("fotos", "de"),
    ("fotó", "hu"),
    ("grafik", "de"),
    ("graphic", "en"),
    ("handout photo", "en"),
    ("image", "en"),
    ("image by", "en"),
    ("image courtesy of", "en"),
    ("image credit", "en"),
    ("image credits", "en"),
    ("image source", "en"),
    ("imagen", "es"),
    ("images", "en"),
    ("immagine", "it"),
    ("kuva", "fi"),
    ("photo", "en"),
    ("photo by", "en"),
    ("photo courtesy of", "en"),
    ("photo credit", "en"),
    ("photo illustration", "en"),
    ("photograph", "en"),
    ("photograph by", "en"),
    ("photographer", "en"),
    ("photos", "en"),
    ("photos by", "en"),
    ("pic", "en"),
    ("pic credit", "en"),
    ("pics", "en"),
    ("picture", "en"),
    ("picture by", "en"),
    ("picture credit", "en"),
    ("pictures", "en"),
    ("quelle", "de"),
    ("video", "en"),
    ("zdjęcie", "pl"),
    ("źródło zdjęcia", "pl"),
    ("фото", "ru"),
    ("фотография", "ru"),
)

# Words in small letters that may stand inside a credit.
CONNECTORS = frozenset(
    "a agency al and at av bin by courtesy da de del della der des di do dos du el en et file für for from "
    "grab handout i "
    "image images in la le of on photo photos picture pictures pool screen screengrab screenshot still stock supplied "
    "the to und van via via/ von with y zur".split()
)
