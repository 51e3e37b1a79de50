CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN filled AS text NOT NULL DEFAULT 'f' CHECK (VALUE <> '');
CREATE DOMAIN few AS positive CHECK (VALUE < 100000);
CREATE DOMAIN list AS int[] CHECK (cardinality(VALUE) < 4);
CREATE TABLE t (id int PRIMARY KEY, p positive, plain int, f filled, w few DEFAULT 5, l list);
-- repeat 200
INSERT INTO t (id, p, plain, l) VALUES ({n}, {1|2147483647|NULL}, {1..9}, {ARRAY[1]|'{}'|NULL});
