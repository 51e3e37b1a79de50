CREATE TABLE t (id INT PRIMARY KEY, c CHAR(20), v VARCHAR(50) NOT NULL, tt TINYTEXT, tx TEXT, mt MEDIUMTEXT, lt LONGTEXT) DEFAULT CHARSET utf8mb4;
INSERT INTO t VALUES (1, '', '', '', '', '', ''), (2, 'x', 'trailing   ', ' both ', 'tab\tnew\nline', 'nul\0byte', 'quote '' and \\'),
  (3, '😀é漢', '😀é漢 ', '😀', '漢字', 'é', '\Z%_"'), (4, NULL, ' ', NULL, NULL, NULL, NULL);
-- repeat 150
INSERT INTO t SELECT {n} + 4, c, v, tt, tx, mt, lt FROM t WHERE id = {1..4};
