ALTER TABLE t ADD x int NOT NULL DEFAULT 1, ALTER during TYPE text, ADD CONSTRAINT u_code UNIQUE (code, region);
