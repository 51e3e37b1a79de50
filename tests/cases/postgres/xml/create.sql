CREATE TABLE t (id int PRIMARY KEY, x1 xml, c xml);
INSERT INTO t VALUES
  (1, '<a  b="1"/>', '<?xml version="1.0"?><r>é 😀</r>'), (2, 'just text &amp; more', 'x<b/>y'), (3, NULL, NULL), (4, '', '<![CDATA[ <> ]]>');
-- repeat 150
INSERT INTO t SELECT {n} + 4, x1, c FROM t WHERE id = {1..4};
