CREATE TABLE public.article_search (
    row_id bigint NOT NULL,
    words tsvector NOT NULL
);
ALTER TABLE ONLY public.article_search ALTER COLUMN words SET STORAGE MAIN;
CREATE TABLE public.article_tags (
    row_id bigint NOT NULL,
    tag character varying NOT NULL,
    label character varying NOT NULL
);
CREATE TABLE public.articles (
    row_id bigint NOT NULL,
    article_id character varying NOT NULL,
    revision bigint NOT NULL,
    content_hash character varying NOT NULL,
    fingerprint character varying NOT NULL,
    "position" bigint NOT NULL,
    sort_at bigint NOT NULL,
    published_at bigint,
    fetched_at bigint,
    indexed_at bigint NOT NULL,
    source character varying,
    domain character varying,
    language character varying,
    document text
);
CREATE TABLE public.changes (
    "position" bigint NOT NULL,
    article_id character varying NOT NULL,
    revision bigint NOT NULL,
    kind character varying NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.positions (
    newest bigint NOT NULL,
    feed character varying NOT NULL
);
CREATE TABLE public.schema_version (
    version integer NOT NULL
);
CREATE TABLE public.source_offsets (
    consumer_group character varying NOT NULL,
    topic character varying NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL
);
INSERT INTO public.article_search VALUES (2, '''a'':7 ''b'':3 ''line'':9 ''note'':6 ''nothing'':4 ''of'':2,5 ''second'':8 ''title'':1');
INSERT INTO public.article_search VALUES (1, '''a'':3,4 ''copy'':8 ''corrected'':5 ''of'':2,7 ''piece'':6 ''title'':1');
INSERT INTO public.article_search VALUES (6, '''c'':3 ''of'':2 ''title'':1 ''北京大学的学生'':4');
INSERT INTO public.article_tags VALUES (2, 'conflict', 'Conflict');
INSERT INTO public.article_tags VALUES (1, 'conflict', 'Conflict');
INSERT INTO public.articles VALUES (2, 'b', 1, 'x-Mnaqd3ChaKbT-kN7U4', '87GjXtsc2YhkzfcI-Qe4', 2, 1772366700000000, 1772366700000000, 1772366730000000, 1795421918258259, 'northern courier', 'northerncourier.example', 'en-gb', '{"article_id":"b","revision":1,"url":"https://northerncourier.example/b","canonical_url":"https://northerncourier.example/b","feed_id":null,"source":{"name":"Northern Courier","domain":"northerncourier.example"},"title":"Title of b","authors":[],"attribution":[],"published_at":"2026-03-01T12:05:00Z","modified_at":null,"fetched_at":"2026-03-01T12:05:30Z","language":"en-GB","language_confidence":null,"section":"","keywords":[],"paragraphs":["Nothing of note.","A second line."],"word_count":6,"lead_image":null,"images":[],"related_links":[],"removals":[],"access":"full","rights":{"robots":null,"tdm":null},"content_hash":"x-Mnaqd3ChaKbT-kN7U4","simhash":"0000000000000000","cleaner_version":"1","tags":[{"tag":"conflict","label":"Conflict","score":2.5,"probability":null,"calibrated":false,"threshold":1.0,"iptc":[],"evidence":[],"similarity":null}],"candidates":[],"unsupported_language":false,"classifier_version":"1","text":"Nothing of note.\nA second line."}');
INSERT INTO public.articles VALUES (3, 'gone', 1, '', '', 4, 1795421918300301, NULL, NULL, 1795421918300301, NULL, NULL, NULL, NULL);
INSERT INTO public.articles VALUES (1, 'a', 2, 'mQ6TWJY562zSO73vLRKI', 'R2JJzG3OvytIV3xF0YlF', 5, 1772366520000000, 1772366520000000, 1772366550000000, 1795421918300301, 'the harbour gull', 'harbourgull.example', 'en', '{"article_id":"a","revision":2,"url":"https://harbourgull.example/a","canonical_url":"https://harbourgull.example/a","feed_id":null,"source":{"name":"The Harbour Gull","domain":"harbourgull.example"},"title":"Title of a","authors":[],"attribution":[],"published_at":"2026-03-01T12:02:00Z","modified_at":null,"fetched_at":"2026-03-01T12:02:30Z","language":"en","language_confidence":null,"section":"","keywords":[],"paragraphs":["A corrected piece of copy."],"word_count":5,"lead_image":null,"images":[],"related_links":[],"removals":[],"access":"full","rights":{"robots":null,"tdm":null},"content_hash":"mQ6TWJY562zSO73vLRKI","simhash":"0000000000000000","cleaner_version":"1","tags":[{"tag":"conflict","label":"Conflict","score":2.5,"probability":null,"calibrated":false,"threshold":1.0,"iptc":[],"evidence":[],"similarity":null}],"candidates":[],"unsupported_language":false,"classifier_version":"1","text":"A corrected piece of copy."}');
INSERT INTO public.articles VALUES (6, 'c', 1, 'JD-FFrm-JCt9DZqLcaEy', 'Gto3yPSiws_ByBdwT6fh', 6, 1772366940000000, 1772366940000000, 1772366970000000, 1795421918334874, 'the harbour gull', 'harbourgull.example', 'zh', '{"article_id":"c","revision":1,"url":"https://harbourgull.example/c","canonical_url":"https://harbourgull.example/c","feed_id":null,"source":{"name":"The Harbour Gull","domain":"harbourgull.example"},"title":"Title of c","authors":[],"attribution":[],"published_at":"2026-03-01T12:09:00Z","modified_at":null,"fetched_at":"2026-03-01T12:09:30Z","language":"zh","language_confidence":null,"section":"","keywords":[],"paragraphs":["北京大学的学生"],"word_count":1,"lead_image":null,"images":[],"related_links":[],"removals":[],"access":"full","rights":{"robots":null,"tdm":null},"content_hash":"JD-FFrm-JCt9DZqLcaEy","simhash":"0000000000000000","cleaner_version":"1","tags":[],"candidates":[],"unsupported_language":false,"classifier_version":"1","text":"北京大学的学生"}');
INSERT INTO public.changes VALUES (1, 'a', 1, 'article', 1795421918258259);
INSERT INTO public.changes VALUES (2, 'b', 1, 'article', 1795421918258259);
INSERT INTO public.changes VALUES (3, 'gone', 1, 'article', 1795421918258259);
INSERT INTO public.changes VALUES (4, 'gone', 1, 'tombstone', 1795421918300301);
INSERT INTO public.changes VALUES (5, 'a', 2, 'article', 1795421918300301);
INSERT INTO public.changes VALUES (6, 'c', 1, 'article', 1795421918334874);
INSERT INTO public.positions VALUES (6, '672d65f1');
INSERT INTO public.schema_version VALUES (1);
INSERT INTO public.source_offsets VALUES ('api', 'articles.classified', 0, 5);
INSERT INTO public.source_offsets VALUES ('api', 'articles.classified', 2, 8);
ALTER TABLE ONLY public.article_search
    ADD CONSTRAINT article_search_pkey PRIMARY KEY (row_id);
ALTER TABLE ONLY public.article_tags
    ADD CONSTRAINT article_tags_pkey PRIMARY KEY (row_id, tag);
ALTER TABLE ONLY public.articles
    ADD CONSTRAINT articles_article_id_key UNIQUE (article_id);
ALTER TABLE ONLY public.articles
    ADD CONSTRAINT articles_pkey PRIMARY KEY (row_id);
ALTER TABLE ONLY public.articles
    ADD CONSTRAINT articles_position_key UNIQUE ("position");
ALTER TABLE ONLY public.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY public.source_offsets
    ADD CONSTRAINT source_offsets_pkey PRIMARY KEY (consumer_group, topic, partition);
CREATE INDEX article_search_words ON public.article_search USING gin (words);
CREATE INDEX article_tags_by_tag ON public.article_tags USING btree (tag, row_id);
CREATE INDEX articles_by_domain ON public.articles USING btree (domain, sort_at, row_id);
CREATE INDEX articles_by_time ON public.articles USING btree (sort_at, row_id);
CREATE INDEX ix_changes_article_id ON public.changes USING btree (article_id);
ALTER TABLE ONLY public.article_search
    ADD CONSTRAINT article_search_row_id_fkey FOREIGN KEY (row_id) REFERENCES public.articles(row_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.article_tags
    ADD CONSTRAINT article_tags_row_id_fkey FOREIGN KEY (row_id) REFERENCES public.articles(row_id) ON DELETE CASCADE;
