ALTER TABLE t ADD `a;b` INT COMMENT 'it''s; -- "here" `too` /* no */', COMMENT = 'neu: ä😀';
