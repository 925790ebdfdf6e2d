package media

const generatorEnv = "TIERLINE_MEDIA_GENERATOR"

func generate() {}
