CREATE TABLE t (
  id INT PRIMARY KEY, l VARCHAR(30) CHARACTER SET latin1, g VARCHAR(30) CHARACTER SET gbk, s VARCHAR(30) CHARACTER SET sjis, c CHAR(30) CHARACTER SET cp932,
  u2 TEXT CHARACTER SET ucs2, u16 VARCHAR(30) CHARACTER SET utf16, u32 VARCHAR(30) CHARACTER SET utf32, u3 VARCHAR(30) CHARACTER SET utf8mb3
);
INSERT INTO t VALUES
  (1, _latin1 X'80E4FF', _gbk X'B0A1A8A2', _sjis X'835C8E9F', _cp932 X'8740FA40', _ucs2 X'6F225B57', _utf16 X'D83DDE00', _utf32 X'0001F600', '漢é'),
  (2, '', '', '', '', '', '', '', ''), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (4, ' a ', ' b ', ' c ', ' d ', ' e ', ' f ', ' g ', ' h ');
-- repeat 100
INSERT INTO t SELECT {n} + 4, l, g, s, c, u2, u16, u32, u3 FROM t WHERE id = {1..4};
